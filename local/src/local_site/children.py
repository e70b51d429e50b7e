"""Child processes: each in a session of its own, logged to a file, ended with all it started."""

import atexit
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_site.dead_man_switch import DeadManSwitch

_switches: dict[int, DeadManSwitch] = {}


def disarm() -> None:
    """All is stopped: end this process's switch, and with it what it holds."""
    if switch := _switches.pop(os.getpid(), None):
        switch.close()


def arm(held_until_done: Sequence[int] = ()) -> DeadManSwitch:
    """This process's dead man's switch; the first call starts it."""
    here = os.getpid()  # a fork does not inherit the pipe's meaning
    if here not in _switches:
        _switches[here] = DeadManSwitch(held_until_done)
        atexit.register(disarm)
    return _switches[here]


@dataclass
class Child:
    """One running program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals
    log_start: int  # bytes that earlier runs had written

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end, and kill what is left of its group after `grace` seconds."""
        self.ask_to_stop()
        self.finish_stopping(grace)

    def ask_to_stop(self) -> None:
        if self.running:
            self.process.send_signal(self.stop_signal)

    def finish_stopping(self, grace: float) -> None:
        """Wait `grace` seconds for the end that was asked for; then no more asking."""
        try:
            self.process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._kill_group()

    def kill(self) -> None:
        """`kill -9`: the program, its group and everything else it started."""
        started_by_it = descendants(self.process.pid) if self.running else []
        self._kill_group()
        self.process.wait()
        for pid in started_by_it:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def last_lines(self, count: int = 20) -> str:
        """The end of what it has logged, for an error message."""
        logged = self.log.read_bytes()[self.log_start :].decode(errors="replace")
        return "\n".join(logged.splitlines()[-count:])

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if not self.running:
            arm().forget(self.process.pid)


def start_child(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a program whose output goes to the end of `log`. `env` replaces the environment."""
    switch = arm()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        log_start = output.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    switch.watch(process.pid, stop_signal)
    return Child(name, process, log, stop_signal, log_start)


class Server(ABC):
    """A server this machine runs: start, stop, and the faults a test can give it."""

    child: Child | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it and return when it answers."""

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.running

    def stop(self) -> None:
        """An orderly end."""
        if self.child:
            self.child.stop()

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        if self.child:
            self.child.kill()

    def restart(self) -> None:
        """The same server, folder and port again; after `kill()` too."""
        self.stop()
        self.start()


def descendants(pid: int) -> list[int]:
    """Process ids of all that this process started, direct or not."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may itself hold blanks and brackets.
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = []
    waiting = [pid]
    while waiting:
        waiting += (direct := children.get(waiting.pop(), []))
        found += direct
    return found
