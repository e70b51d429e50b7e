"""The roles of a site, in the order they start, and the commands that prepare it."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_site.children import Child, Server, start_child

# SIGQUIT is Celery's soft stop: the running task goes back to the queue if it takes too long.
SOFT, ORDERLY = signal.SIGQUIT, signal.SIGTERM


@dataclass(frozen=True)
class Role:
    """`python -m module argument` for as long as the site runs. `port` names a web role's own."""

    module: str
    argument: str
    stop_signal: signal.Signals = ORDERLY
    port: str | None = None

    @property
    def name(self) -> str:
        return f"{self.module}-{self.argument}"


ROLES = (
    Role("customers", "web", port="CUSTOMERS_PORT"),
    Role("customers", "worker", SOFT),
    Role("customers", "relay"),
    Role("customers", "beat"),
    Role("payments", "web", port="PAYMENTS_PORT"),
    Role("payments", "worker", SOFT),
    Role("payments", "relay"),
    Role("payments", "beat"),
    Role("radius_sync", "web", port="RADIUS_SYNC_PORT"),
    Role("radius_sync", "worker", SOFT),
    Role("radius_sync", "relay"),
    Role("radius_sync", "beat"),
    Role("console", "web", port="CONSOLE_PORT"),
)
# Reports its sessions to FreeRADIUS, so it starts after it.
NAS_SIMULATOR = Role("radius_sync", "nas-simulator")

# Side by side: each has a database of its own.
MIGRATE = (("customers", "migrate"), ("payments", "migrate"), ("radius_sync", "migrate"))
# One after the other: bills and sessions are those of the customers.
DEMO = (("customers", "demo"), ("payments", "demo"), ("radius_sync", "demo"))


@dataclass
class RoleProcess(Server):
    """One running role. `start()` returns at once, before the role answers."""

    name: str
    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    stop_signal: signal.Signals = ORDERLY
    child: Child | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, *self.arguments]
        self.child = start_child(
            self.name, command, log=self.log, env=self.env, stop_signal=self.stop_signal
        )

    @property
    def output(self) -> str:
        """All it has written so far, earlier starts included."""
        return self.log.read_text(errors="replace")
