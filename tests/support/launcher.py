"""`make run` without make: the launcher as a process, in a folder and on ports of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_site.children import descendants
from local_site.ports import free_ports
from local_site.settings import DEFAULT_PORTS
from tests.support.waiting import until


@dataclass
class Launcher:
    """`python -m local_site run` in a session of its own."""

    env: dict[str, str]
    home: Path
    output: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, **env: str) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local_site", "run"],
                env={**self.env, **env},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines()

    def wait_until_ready(self, seconds: float = 180.0) -> None:
        until(lambda: "ready" in self.lines() or self.ended(), seconds, "not ready")
        assert "ready" in self.lines(), self.output.read_text()

    def ended(self) -> bool:
        assert self.process
        return self.process.poll() is not None

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(timeout=120)

    def cpu_seconds(self) -> float:
        """Of the launcher and all that it started, ended or not."""
        assert self.process
        ticks = 0
        for pid in (self.process.pid, *descendants(self.process.pid)):
            with suppress(OSError):  # ended meanwhile: who waited for it has its time
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))  # own and ended children's, user and system
        return ticks / os.sysconf("SC_CLK_TCK")

    def until_nothing_is_left(self) -> None:
        until(lambda: not self.left_behind(), message="processes are left behind")

    def left_behind(self) -> list[str]:
        """Processes of this site, by their environment or (PostgreSQL hides its) their folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                folder = (process / "cwd").resolve()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            marked = f"TENURE_HOME={self.home}\0".encode() in environment
            if marked or folder.is_relative_to(self.home):
                found.append(f"{process.name} {command}")
        return found


def launcher_in(folder: Path, **env: str) -> Launcher:
    """A launcher whose site is in `folder / "var"`; nothing of the person's own site reaches it."""
    home = folder / "var"
    ports = dict(zip(DEFAULT_PORTS, map(str, free_ports(len(DEFAULT_PORTS))), strict=True))
    own = {**os.environ, **ports, "TENURE_HOME": str(home), **env}
    for inherited in ("DATABASE_URL", "REDIS_URL", "TENURE_DEMO"):
        own.pop(inherited, None)
    return Launcher(own, home, folder / "output")
