"""What each role loads when it starts: thirteen of them start at once, on machines with two cores."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit
SERVICES = ["customers", "payments", "radius_sync"]
WEB = {"flask", "werkzeug", "jinja2", "flask_smorest", "granian"}
WORK = {"celery", "kombu"}


def loaded(*modules: str) -> set[str]:
    """Names of all modules that a process has after importing these: what is loaded, not written."""
    script = f"import sys, {', '.join(modules)}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", SERVICES)
def test_a_relay_loads_nothing_of_its_service_and_nothing_of_the_web(package: str) -> None:
    modules = loaded(f"{package}.__main__", "shared.relay")
    assert modules & {*WEB, "alembic", "requests"} == set()
    ours = {name for name in modules if name.startswith(f"{package}.")}
    assert ours == {f"{package}.__main__", f"{package}.settings"}


@pytest.mark.parametrize("package", SERVICES)
def test_a_beat_loads_nothing_of_the_work_that_it_rings_for(package: str) -> None:
    modules = loaded(f"{package}.__main__", f"{package}.schedule", "shared.messaging")
    assert modules & {*WEB, "alembic", "sqlalchemy.orm", "psycopg", "requests"} == set()
    ours = {name for name in modules if name.startswith(f"{package}.")}
    assert ours == {f"{package}.__main__", f"{package}.settings", f"{package}.schedule"}


@pytest.mark.parametrize("package", [*SERVICES, "console"])
def test_a_web_role_loads_neither_celery_nor_the_work_by_the_clock(package: str) -> None:
    modules = loaded(f"{package}.__main__", f"{package}.web")
    work = {f"{package}.{name}" for name in ("worker", "tasks", "demo")}
    assert modules & {*WORK, *work, "alembic"} == set()


@pytest.mark.parametrize("package", SERVICES)
def test_a_worker_loads_no_migrations_and_no_demo(package: str) -> None:
    modules = loaded(f"{package}.worker")
    assert modules & {"granian", "alembic", f"{package}.demo", f"{package}.web"} == set()
