"""The five roles as processes: a fact leaves by the relay, a job is done by the worker."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from local_site.ports import free_port
from tests.support.databases import SECRETS
from tests.support.processes import RoleProcess, start_role
from tests.support.waiting import until

NAME = "customers_roles"
# A busy machine starts a role in half a minute, not in two seconds.
PATIENCE = 90.0


@pytest.fixture
def environment(postgres: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **SECRETS,
        "DATABASE_URL": postgres,
        "CUSTOMERS_DATABASE": f"{NAME}_{free_port()}",
        "REDIS_URL": redis_url,
        "CUSTOMERS_PORT": str(free_port()),
        "TENURE_HOME": str(tmp_path),
        "TENURE_DEMO": "1",
    }


@pytest.fixture
def roles(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, RoleProcess]]:
    migrate = start_role("customers", "migrate", env=environment, folder=tmp_path)
    until(lambda: not migrate.running, PATIENCE, "migrate did not end")
    demo = start_role("customers", "demo", env=environment, folder=tmp_path)
    until(lambda: not demo.running, PATIENCE, "demo did not end")
    assert "Traceback" not in migrate.output + demo.output
    started = {
        name: start_role("customers", name, env=environment, folder=tmp_path, stop_signal=stop)
        for name, stop in (
            ("web", signal.SIGTERM), ("worker", signal.SIGQUIT), ("relay", signal.SIGTERM),
            ("beat", signal.SIGTERM),
        )
    }  # fmt: skip
    yield started
    for role in started.values():
        role.stop()


def test_the_roles_start_and_a_bulk_deletion_is_carried_out(
    roles: dict[str, RoleProcess], environment: dict[str, str]
) -> None:
    url = f"http://127.0.0.1:{environment['CUSTOMERS_PORT']}"

    def ready() -> bool:
        try:
            return requests.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200
        except requests.RequestException:
            return False

    until(ready, PATIENCE, "web did not get ready")
    token = requests.post(
        f"{url}/v1/tokens", json={"username": "north", "password": "north-demo"}, timeout=PATIENCE
    ).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "roles-test-1"}
    answer = requests.post(
        f"{url}/v1/customers/delete", headers=headers, timeout=PATIENCE,
        json={"filter": {"service_type": "hotspot"}, "reason": "migrated_away", "cascade": True},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text

    def done() -> Any:
        place = f"{url}{answer.headers['Location']}"
        bearer = {"Authorization": f"Bearer {token}"}
        job = requests.get(place, headers=bearer, timeout=PATIENCE).json()
        return job if job["state"] == "succeeded" else None

    job = until(done, PATIENCE, "the worker did not do the job")
    assert job["done"] == job["total"] > 0 and job["failed"] == 0

    server = environment["DATABASE_URL"].rsplit("/", 1)[0]
    with psycopg.connect(
        f"{server}/{environment['CUSTOMERS_DATABASE']}", autocommit=True
    ) as connection:

        def unsent() -> int:
            row = connection.execute("SELECT count(*) FROM outbox_unsent").fetchone()
            assert row is not None
            return int(row[0])

        until(lambda: unsent() == 0, PATIENCE, "the relay did not send")
    for name, role in roles.items():
        assert role.running, f"{name}: {role.output[-2000:]}"
