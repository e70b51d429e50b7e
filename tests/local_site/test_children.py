"""Child processes end with all they started, asked or not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_site.children import Child, descendants, start_child
from tests.support.waiting import until

pytestmark = pytest.mark.unit

STUBBORN = "trap '' TERM; echo up; sleep 1000 & wait; sleep 1000"
# A grandchild that leaves its parent's process group, as PostgreSQL's processes do.
SCATTERED = "echo up; setsid sleep 1000 & sleep 1000"


def start(script: str, folder: Path) -> Child:
    child = start_child("script", ["sh", "-c", script], log=folder / "script.log")
    until(lambda: "up" in child.log.read_text(), message="the script did not start")
    until(lambda: descendants(child.process.pid), message="no child of the script")
    return child


def gone(pids: list[int]) -> bool:
    return all(state(pid) in ("gone", "Z") for pid in pids)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def test_a_child_that_ignores_its_stop_signal_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = start(STUBBORN, tmp_path)
    started = descendants(child.process.pid)
    child.stop(grace=0.2)
    assert child.process.returncode == -signal.SIGKILL
    until(lambda: gone(started), message="a grandchild is left")


def test_kill_reaches_what_left_the_process_group(tmp_path: Path) -> None:
    child = start(SCATTERED, tmp_path)
    started = descendants(child.process.pid)
    child.kill()
    until(lambda: gone(started), message="a grandchild is left")


def test_the_switch_stops_the_children_of_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from local_site.children import start_child\n"
        "child = start_child('sleep', ['sleep', '1000'], log=Path(sys.argv[1]) / 'log')\n"
        "print(child.process.pid, flush=True); time.sleep(1000)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.kill()
    until(lambda: gone([pid]), message="the child outlived its parent")
