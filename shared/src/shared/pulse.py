"""A sign of life for who watches from outside: a file, touched as long as a role's loop turns.

`TENURE_PULSE` names it; without, nothing is written. A worker touches it when it has reached
PostgreSQL, a relay each round, a beat each tick: one that is older than 15 s is a role that hangs.
A web role is asked at `/readyz` instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.beat import Scheduler


def show() -> None:
    if file := os.environ.get("TENURE_PULSE"):
        Path(file).touch()


class PulsingScheduler(Scheduler):
    """Celery's beat, which ticks at least every `beat_max_loop_interval`."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        show()
        seconds: float = super().tick(*args, **kwargs)
        return seconds
