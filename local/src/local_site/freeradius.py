"""FreeRADIUS of the distribution, with a configuration folder and ports of our own.

The folder is made by `python -m radius_sync freeradius-config --out DIR`; nothing under `/etc`
is read, written or needed.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from local_site import unprivileged
from local_site.children import Child, Server, start_child
from local_site.distribution import FREERADIUS, can_install, how_to_add, install, keep_from_starting

START_SECONDS = 60.0
DICTIONARIES = "/usr/share/freeradius"
_WHERE = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"  # sbin is not on every user's PATH


def program(name: str = "freeradius") -> str | None:
    """Path of `freeradius` or `radclient`, None when it is not installed."""
    return shutil.which(name) or shutil.which(name, path=_WHERE)


def is_installed() -> bool:
    """Whether the server, its PostgreSQL driver and its client are all here."""
    folders = (Path("/usr/lib/freeradius"), *Path("/usr/lib").glob("*-linux-gnu/freeradius"))
    driver = any((folder / "rlm_sql_postgresql.so").exists() for folder in folders)
    return driver and program() is not None and program("radclient") is not None


def install_if_allowed() -> bool:
    """Whether FreeRADIUS is there now, from the distribution if it has to be."""
    if is_installed():
        return True
    if not (can_install() and install(FREERADIUS)):
        return False
    keep_from_starting("freeradius.service")
    return is_installed()


def how_to_have_it() -> str:
    """What a person types; Debian starts its own server at once, on the ports we want."""
    return f"{how_to_add(FREERADIUS)} && sudo systemctl disable --now freeradius"


@dataclass
class FreeRADIUS(Server):
    """One server, never as root, on the ports its configuration names."""

    config_dir: Path
    log: Path
    child: Child | None = None

    def start(self) -> None:
        """Start it and return when it is ready; RuntimeError with the end of its log if not."""
        path = program()
        if path is None:
            raise RuntimeError("FreeRADIUS is not installed")
        unprivileged.hand_over(self.config_dir)
        already_logged = self.log.stat().st_size if self.log.exists() else 0
        self.child = start_child(
            "freeradius",
            [
                *(*unprivileged.prefix(), path, "-f", "-l", "stdout"),
                *("-d", str(self.config_dir.resolve()), "-D", DICTIONARIES),
            ],
            log=self.log,
        )
        self._wait(self.child, already_logged)

    def _wait(self, child: Child, already_logged: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while child.running and time.monotonic() < deadline:
            if b"Ready to process requests" in self.log.read_bytes()[already_logged:]:
                return
            time.sleep(0.02)
        child.kill()
        raise RuntimeError(
            f"FreeRADIUS did not start from {self.config_dir}:\n{child.last_lines()}"
        )
