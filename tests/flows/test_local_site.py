"""`make run` with the real services: demo data and live sessions, kept and ready soon the next time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_site.roles import ROLES
from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS, Operator
from tests.flows.site import PATIENCE
from tests.support.launcher import Launcher, launcher_in
from tests.support.waiting import until

# The first start compiles, migrates and loads the demo, on cores that others use too.
FIRST_SECONDS = 240.0
# 15 s on two cores is what a second start has; about 16 s of CPU is what it takes.
MOST_CPU_SECONDS = 30.0


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    launcher = launcher_in(tmp_path)
    # What the first start compiles the second one uses, as `make run` has it.
    launcher.env.pop("PYTHONDONTWRITEBYTECODE", None)
    yield launcher
    if launcher.process and not launcher.ended():
        launcher.end()


def demo_logs(launcher: Launcher) -> list[Path]:
    """One for each command of the demo that was started."""
    return list((launcher.home / "log").glob("*-demo.log"))


def sign_in(launcher: Launcher) -> Operator:
    urls = {
        role.module.replace("_", "-"): f"http://127.0.0.1:{launcher.env[role.port]}"
        for role in ROLES
        if role.port
    }
    return Operator(urls, "admin", "admin-demo")


def totals(launcher: Launcher) -> tuple[int, int]:
    admin = sign_in(launcher)
    customers = admin.call(CUSTOMERS, "GET", "/v1/customers?limit=1&include=total")
    payments = admin.call(PAYMENTS, "GET", "/v1/payments?limit=1&include=total")
    return customers["total"], payments["total"]


def until_sixty_are_online(launcher: Launcher) -> None:
    admin = sign_in(launcher)

    def online() -> bool:
        sessions = admin.call(RADIUS, "GET", "/v1/sessions?open=true&limit=100")["items"]
        return len(sessions) >= 60

    until(online, PATIENCE, "the demo's subscribers are not online", interval=0.5)


def until_freeradius_answers(launcher: Launcher) -> None:
    admin = sign_in(launcher)

    def answers() -> bool:
        (target,) = admin.call(RADIUS, "GET", "/v1/targets")["items"]
        radius = target["radius"]
        return radius is not None and radius["state"] == "answering"

    until(answers, PATIENCE, "the site's own FreeRADIUS is not watched, or silent", interval=0.5)


def until_the_nas_is_asked(launcher: Launcher) -> None:
    """Each minute's reconciliation asks it for its sessions, and finds all of them in accounting."""
    admin = sign_in(launcher)

    def agrees() -> bool:
        (nas,) = admin.call(RADIUS, "GET", "/v1/nas")["items"]
        return (nas["sessions_listed"] or 0) >= 60

    until(agrees, 60 + PATIENCE, "the simulated NAS was not asked for its sessions", interval=0.5)
    reports = admin.call(RADIUS, "GET", "/v1/reconciliations")["items"]
    assert not any("unknown_to" in kind for report in reports for kind in report["drift"])


@pytest.mark.timeout(1200)
def test_a_second_run_keeps_its_data_loads_no_demo_and_is_ready_soon(launcher: Launcher) -> None:
    launcher.start()
    launcher.wait_until_ready(FIRST_SECONDS)
    until_sixty_are_online(launcher)
    until_freeradius_answers(launcher)
    until_the_nas_is_asked(launcher)
    there = totals(launcher)
    assert len(demo_logs(launcher)) == 3
    for log in demo_logs(launcher):
        log.unlink()
    assert launcher.end() == 0
    launcher.until_nothing_is_left()

    launcher.start()
    launcher.wait_until_ready(FIRST_SECONDS)
    used = launcher.cpu_seconds()
    assert demo_logs(launcher) == []
    assert totals(launcher) == there
    until_sixty_are_online(launcher)
    assert used < MOST_CPU_SECONDS
