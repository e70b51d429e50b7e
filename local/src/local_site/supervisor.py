"""Keeps what was started running, and ends all of it in reverse order."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from local_site.children import Server
from local_site.errors import SiteError, Stopped
from local_site.roles import RoleProcess

FIRST_PAUSE_SECONDS = 1.0  # doubled at each crash, so that a broken role does not eat the machine
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # after this long without a crash the next one is again a first one
GRACE_SECONDS = 8.0  # less than the 10 s after which containers are killed


@dataclass
class Kept:
    """A server or role that is to run, and its crashes."""

    name: str
    server: Server
    started: float
    pause: float = FIRST_PAUSE_SECONDS
    start_again: float | None = None


@dataclass
class Supervisor:
    """All that one launcher started. Use `say` for what the person is to read."""

    say: Callable[[str], None]
    kept: list[Kept] = field(default_factory=list)
    stop_requested: bool = False

    def obey_signals(self) -> None:
        """From here on Ctrl-C and SIGTERM ask for an orderly end, at the next safe moment."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)

    def _request_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_requested = True

    def start(self, name: str, server: Server) -> None:
        """Start it now and keep it running. Stopped or RuntimeError (a server's) instead."""
        self._raise_if_stopped()
        self.kept.append(Kept(name, server, time.monotonic()))
        server.start()

    def run(self, commands: Sequence[RoleProcess], seconds: float) -> None:
        """Run commands side by side to their end; SiteError with the log of one that failed."""
        for command in commands:
            self._raise_if_stopped()
            command.start()
        try:
            self.wait(lambda: not any(c.running for c in commands), seconds, commands[0].name)
        finally:
            for command in commands:
                command.stop()
        for command in commands:
            assert command.child
            if command.child.process.returncode != 0:
                raise SiteError(
                    f"{command.name} failed; the end of {command.log}:\n"
                    f"{command.child.last_lines()}"
                )

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until it holds, restarting what crashes; Stopped, or SiteError when it does not."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SiteError(f"{what}: not done after {seconds:g} s")
            self._tick()

    def keep_running(self) -> None:
        """Restart what crashes until Stopped is raised."""
        while True:
            self._tick()

    def stop(self) -> None:
        """End everything, roles before the servers they use; nothing is left when it returns."""
        roles = [kept.server for kept in self.kept if isinstance(kept.server, RoleProcess)]
        servers = [kept.server for kept in self.kept if not isinstance(kept.server, RoleProcess)]
        for role in roles:  # all are asked at once: the slowest sets the pace, not the sum
            if role.child:
                role.child.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for role in reversed(roles):
            if role.child:
                role.child.finish_stopping(max(0.0, deadline - time.monotonic()))
        for server in reversed(servers):
            server.stop()

    def _tick(self) -> None:
        self._raise_if_stopped()
        for kept in self.kept:
            if not kept.server.running:
                self._revive(kept)
        time.sleep(0.05)

    def _revive(self, kept: Kept) -> None:
        now = time.monotonic()
        if kept.start_again is None:
            if now - kept.started > STEADY_SECONDS:
                kept.pause = FIRST_PAUSE_SECONDS
            child = kept.server.child
            assert child
            child.stop()  # what the dead program had started goes too
            code = child.process.returncode
            self.say(f"{kept.name} ended ({code}); again in {kept.pause:g} s; log: {child.log}")
            kept.start_again = now + kept.pause
            kept.pause = min(2 * kept.pause, LONGEST_PAUSE_SECONDS)
        elif now >= kept.start_again:
            kept.start_again, kept.started = None, now
            try:
                kept.server.start()
            except RuntimeError as error:
                self.say(str(error))

    def _raise_if_stopped(self) -> None:
        if self.stop_requested:
            raise Stopped
