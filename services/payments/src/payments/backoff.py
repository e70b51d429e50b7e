"""How long to wait before what could not be done is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


def wait(steps: Sequence[timedelta], tries: int, most: timedelta = timedelta.max) -> timedelta:
    """After so many tries: the step for it, the last one again and again, but never above `most`."""
    return min(steps[min(tries, len(steps) - 1)], most)
