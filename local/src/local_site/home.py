"""The folder with a site's data, logs and secrets: one run at a time."""

import fcntl
import os
import time
from io import TextIOWrapper
from pathlib import Path

from local_site.errors import SiteError

# A launcher that was killed leaves its lock to the dead man's switch, which needs up to 10 s,
# and longer on a machine that stalls.
WAIT_SECONDS = 30.0


def lock(home: Path) -> TextIOWrapper:
    """Make the folder if need be and take it for this process; SiteError if another holds it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (home / "run.lock").open("a+")
    except OSError as error:
        raise SiteError(f"TENURE_HOME={home} cannot be used: {error.strerror}") from error
    deadline = time.monotonic() + WAIT_SECONDS
    while not _taken(file):
        holder = _holder(file)
        if _is_a_launcher(holder) or time.monotonic() > deadline:
            file.close()
            raise SiteError(
                f"{home} is in use by another run (process {holder});"
                " stop that one or set TENURE_HOME to another folder"
            )
        time.sleep(0.05)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _taken(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: TextIOWrapper) -> str:
    file.seek(0)
    return file.read().strip()


def _is_a_launcher(pid: str) -> bool:
    """Whether it lives; else the switch is still stopping what it started."""
    if not pid.isdecimal():
        return False
    try:
        return b"local_site" in (Path("/proc") / pid / "cmdline").read_bytes()
    except OSError:  # gone, perhaps this moment
        return False
