"""Roles of the services as real processes, with the faults a test can give them."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from local_site.roles import ORDERLY, RoleProcess

__all__ = ["RoleProcess", "start_role"]


def start_role(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    folder: Path,
    stop_signal: signal.Signals = ORDERLY,
) -> RoleProcess:
    """Start `python -m module arguments…` with `env` added to ours; its log is in `folder`.

    Returns at once: wait for what the test needs with `waiting.until`. The handle has `stop()`,
    `kill()` (`kill -9`), `restart()`, `running`, `output` (all it has written) and `log`.
    """
    name = "-".join((module, *arguments)).replace("/", "_")
    log = folder / f"{name}.log"
    role = RoleProcess(name, module, arguments, {**os.environ, **env}, log, stop_signal)
    role.start()
    return role
