"""What the supervisor does about crashes and failures."""

import os
import signal
import threading
from pathlib import Path

import pytest

from local_site.errors import SiteError, Stopped
from local_site.roles import RoleProcess
from local_site.supervisor import Supervisor
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.unit


def role(folder: Path, name: str, *arguments: str) -> RoleProcess:
    """A module of the standard library serves as a role."""
    return RoleProcess(name, arguments[0], arguments[1:], dict(os.environ), folder / f"{name}.log")


def test_a_role_that_keeps_crashing_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start("broken", role(tmp_path, "broken", "no_such_module"))
    supervisor.wait(lambda: len(said) == 2, PATIENCE, "two crashes")
    supervisor.stop()
    assert "again in 1 s" in said[0]
    assert "again in 2 s" in said[1]
    assert str(tmp_path / "broken.log") in said[0]


def test_commands_run_side_by_side_and_a_failure_shows_its_log(tmp_path: Path) -> None:
    good = role(tmp_path, "good", "timeit", "-n", "1", "-r", "1")
    bad = role(tmp_path, "bad", "no_such_module")
    supervisor = Supervisor(print)
    with pytest.raises(SiteError, match="(?s)bad failed.*No module named no_such_module"):
        supervisor.run([good, bad], PATIENCE)
    supervisor.stop()
    assert "loop" in good.output


def test_a_stop_asked_for_while_a_command_runs_ends_the_command(tmp_path: Path) -> None:
    endless = role(tmp_path, "endless", "http.server", "--bind", "127.0.0.1", "0")
    supervisor = Supervisor(print)

    def request_once_it_runs() -> None:
        until(lambda: endless.running)
        supervisor.stop_requested = True

    person = threading.Thread(target=request_once_it_runs)
    person.start()
    with pytest.raises(Stopped):
        supervisor.run([endless], PATIENCE)
    person.join()
    assert endless.child
    assert not endless.running


def test_signals_ask_for_an_orderly_stop() -> None:
    supervisor = Supervisor(print)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        supervisor.obey_signals()
        signal.raise_signal(signal.SIGTERM)
        assert supervisor.stop_requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
