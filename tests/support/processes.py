"""Roles of the services as real processes, with the faults a test can give them."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_site.children import Child, Server, start_child


@dataclass
class RoleProcess(Server):
    """`python -m MODULE ROLE`. `stop()`, `kill()` (`kill -9`), `restart()`, `log` with its output.

    `start()` returns at once: wait for what the test needs with `waiting.until`.
    """

    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    child: Child | None = None

    def start(self) -> None:
        self.child = start_child(
            " ".join((self.module, *self.arguments)),
            [sys.executable, "-m", self.module, *self.arguments],
            log=self.log,
            env={**os.environ, **self.env},
            stop_signal=self.stop_signal,
        )

    @property
    def output(self) -> str:
        """All it has written so far, earlier starts included."""
        return self.log.read_text(errors="replace")


def start_role(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    folder: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> RoleProcess:
    """Start `python -m module arguments…` with `env` added to ours; its log is in `folder`."""
    log = folder / f"{'-'.join((module, *arguments)).replace('/', '_')}.log"
    role = RoleProcess(module, arguments, dict(env), log, stop_signal)
    role.start()
    return role
