"""The launcher as a person uses it, with stand-ins for the services."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_site.ports import free_port
from tests.support.launcher import Launcher, launcher_in
from tests.support.waiting import until

# A second start has 15 s. Without the services a second or two of CPU are what it takes: that is the
# same however busy the machine is.
MOST_CPU_SECONDS = 5.0
STUB = Path(__file__).with_name("stub_service.py")


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    stubs = tmp_path / "stubs"
    for module in ("customers", "payments", "radius_sync", "console"):
        (stubs / module).mkdir(parents=True)
        (stubs / module / "__init__.py").touch()
        shutil.copy(STUB, stubs / module / "__main__.py")
    launcher = launcher_in(tmp_path, PYTHONPATH=str(stubs))
    yield launcher
    if launcher.process and not launcher.ended():
        launcher.end(signal.SIGTERM)


def test_run_prints_where_everything_is_then_ready_and_ctrl_c_stops_all(
    launcher: Launcher,
) -> None:
    launcher.start()
    launcher.wait_until_ready()
    text = launcher.output.read_text()
    for setting in ("CONSOLE_PORT", "CUSTOMERS_PORT", "PAYMENTS_PORT", "RADIUS_SYNC_PORT"):
        assert f"http://127.0.0.1:{launcher.env[setting]}" in text
    for login in ("admin / admin-demo", "north / north-demo", "south / south-demo"):
        assert login in text
    radius = f"127.0.0.1:{launcher.env['RADIUS_AUTH_PORT']}/udp (auth)"
    assert radius in text or "FreeRADIUS is left out; to have it: sudo apt-get" in text
    assert launcher.lines()[-1] == "ready"
    assert launcher.end() == 0
    launcher.until_nothing_is_left()


def test_a_second_run_keeps_data_and_secrets_and_costs_little(
    launcher: Launcher,
) -> None:
    launcher.start()
    launcher.wait_until_ready()
    secrets = (launcher.home / "secrets.env").read_text()
    launcher.end()
    launcher.start(TENURE_DEMO="0")
    launcher.wait_until_ready()
    assert launcher.cpu_seconds() < MOST_CPU_SECONDS
    assert (launcher.home / "secrets.env").read_text() == secrets
    assert (launcher.home / "secrets.env").stat().st_mode & 0o777 == 0o600
    assert "demo" not in launcher.output.read_text()


def demos_loaded(launcher: Launcher) -> int:
    return (launcher.home / "log" / "radius_sync-demo.log").read_text().count("radius_sync demo")


def test_the_demo_is_loaded_once_into_a_cluster_and_again_where_its_nas_has_moved(
    launcher: Launcher,
) -> None:
    launcher.start()
    launcher.wait_until_ready()
    launcher.end()
    launcher.start()
    launcher.wait_until_ready()
    assert demos_loaded(launcher) == 1
    launcher.end()
    launcher.env["NAS_COA_PORT"] = str(free_port("udp"))
    launcher.start()
    launcher.wait_until_ready()
    assert demos_loaded(launcher) == 2
    launcher.end()
    shutil.rmtree(launcher.home / "postgresql")
    launcher.start()
    launcher.wait_until_ready()
    assert demos_loaded(launcher) == 3


def test_nothing_is_left_behind_when_the_launcher_is_killed(launcher: Launcher) -> None:
    launcher.start()
    launcher.wait_until_ready()
    assert len(launcher.left_behind()) > 15
    launcher.end(signal.SIGKILL)
    launcher.until_nothing_is_left()
    launcher.start()
    launcher.wait_until_ready()


def test_a_run_straight_after_a_killed_one_waits_for_its_end(launcher: Launcher) -> None:
    launcher.start()
    launcher.wait_until_ready()
    launcher.end(signal.SIGKILL)
    launcher.start()
    launcher.wait_until_ready()


def test_a_crashed_role_is_started_again(launcher: Launcher) -> None:
    launcher.start()
    launcher.wait_until_ready()
    relay = next(line for line in launcher.left_behind() if "customers relay" in line)
    os.kill(int(relay.split()[0]), signal.SIGKILL)
    log = launcher.home / "log" / "customers-relay.log"
    until(lambda: log.read_text().count("customers relay") == 2, message="not started again")
    assert "customers-relay ended (-9)" in launcher.output.read_text()


def test_a_taken_port_is_named_with_its_holder_and_setting(launcher: Launcher) -> None:
    port = launcher.env["PAYMENTS_PORT"]
    with socket.create_server(("127.0.0.1", int(port))):
        launcher.start()
        until(launcher.ended, message="still running")
    assert launcher.process and launcher.process.returncode == 1
    text = launcher.output.read_text()
    assert f"port {port}/tcp is taken by process {os.getpid()} (" in text
    assert "PAYMENTS_PORT" in text
    launcher.until_nothing_is_left()


def test_a_second_run_on_the_same_folder_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    launcher.start()
    launcher.wait_until_ready()
    second = Launcher(launcher.env, launcher.home, tmp_path / "second")
    second.start()
    until(second.ended, message="still running")
    assert "is in use by another run" in second.output.read_text()
    assert "TENURE_HOME" in second.output.read_text()
    assert not launcher.ended()


def test_a_command_that_fails_shows_the_end_of_its_log(launcher: Launcher) -> None:
    stub = Path(launcher.env["PYTHONPATH"]) / "payments" / "__main__.py"
    stub.write_text("raise SystemExit('no such table')")
    earlier = launcher.home / "log" / "payments-migrate.log"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("what went wrong last week")
    launcher.start()
    until(launcher.ended, message="still running")
    assert launcher.process and launcher.process.returncode == 1
    assert "last week" not in launcher.output.read_text()
    assert "payments-migrate failed" in launcher.output.read_text()
    assert "no such table" in launcher.output.read_text()
    launcher.until_nothing_is_left()


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_server_of_the_persons_that_does_not_answer_is_named(
    launcher: Launcher, name: str
) -> None:
    scheme = {"DATABASE_URL": "postgresql", "REDIS_URL": "redis"}[name]
    port = free_port()
    launcher.env |= {name: f"{scheme}://me:hidden@127.0.0.1:{port}"}
    launcher.start()
    until(launcher.ended, message="still running")
    assert launcher.process and launcher.process.returncode == 1
    text = launcher.output.read_text()
    assert f"{name}: nobody answers at 127.0.0.1:{port} (Connection refused)" in text
    assert "hidden" not in text
    launcher.until_nothing_is_left()
