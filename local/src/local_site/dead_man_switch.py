"""Stops the servers and roles of a launcher that died without stopping them itself.

The launcher starts this as a process of its own and holds the other end of its standard input.
Each line names a process group the launcher started (`+PGID SIGNAL`) or has seen end (`-PGID`).
End of input means that the launcher is gone, however it went, `kill -9` included: every group
that is still named gets its own stop signal, and SIGKILL when it does not follow in time.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE_SECONDS = 10.0  # PostgreSQL's fast shutdown and a soft stop of a Celery worker take 1-5 s


class DeadManSwitch:
    """The launcher's end: tells the switch what runs."""

    def __init__(self, held_until_done: Iterable[int] = ()) -> None:
        """`held_until_done`: file descriptors, such as a lock's, that stay open until all is gone.

        Only the standard library is needed on the other side, hence `-I -S`: it starts in 15 ms.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=tuple(held_until_done),
        )

    def watch(self, group: int, stop_signal: signal.Signals) -> None:
        """Stop this process group when the launcher dies."""
        self._tell(f"+{group} {int(stop_signal)}")

    def forget(self, group: int) -> None:
        """The group has ended; its number may soon be another's."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Stop what is still named, and return when that has ended."""
        pipe = self._process.stdin
        assert pipe is not None
        pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(line.encode() + b"\n")
        pipe.flush()


def main() -> None:
    """Read what runs until the launcher is gone, then stop what is left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    running: dict[int, int] = {}
    for line in sys.stdin:
        group = int(line[1:].split()[0])
        if line.startswith("+"):
            running[group] = int(line.split()[1])
        else:
            running.pop(group, None)
    _stop(running)


def _stop(running: dict[int, int]) -> None:
    for group, stop_signal in running.items():
        _signal(group, stop_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_signal(group, 0) for group in running):
        time.sleep(0.05)
    for group in running:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
