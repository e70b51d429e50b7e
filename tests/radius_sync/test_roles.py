"""The roles as processes: what is told over Redis reaches rows and NAS, and the web answers."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from sqlalchemy import text

from local_site.ports import free_port
from radius_sync import demo, registry
from radius_sync.nas_simulator import NasSimulator
from radius_sync.settings import Settings
from shared.database import Database
from shared.events import Wire
from shared.messaging import celery_app, hand_over
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start
from tests.radius_sync.facts import customer, package
from tests.radius_sync.provisioned import OPEN, REJECTED, rows
from tests.support.databases import SECRETS
from tests.support.messages import unsent
from tests.support.processes import RoleProcess, start_role
from tests.support.waiting import until

SECRET = "sixteen-octets-at-least"
# Starting Celery on a machine that runs every other test beside it.
PATIENCE = 120


def environment(settings: Settings, port: int) -> dict[str, str]:
    server = settings.database_url.set(drivername="postgresql", database="postgres")
    return {
        **SECRETS,
        "DATABASE_URL": server.render_as_string(hide_password=False),
        "RADIUS_SYNC_DATABASE": str(settings.database_url.database),
        "REDIS_URL": settings.redis_url,
        "RADIUS_SYNC_PORT": str(port),
        "TENURE_HOME": str(settings.home),
        "TENURE_DEMO": "1",
        "PYTHONPATH": os.pathsep.join(["."]),
    }


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def worker(settings: Settings, port: int, tmp_path: Path) -> Iterator[RoleProcess]:
    role = start_role("radius_sync", "worker", env=environment(settings, port), folder=tmp_path)
    yield role
    role.stop()


def tell(settings: Settings, *events: Wire) -> None:
    app = celery_app(settings)
    hand_over(app, "radius-sync", "customers", unsent(*events))
    app.close()


def test_what_is_told_over_redis_reaches_rows_and_cuts_the_session(
    settings: Settings, database: Database, worker: RoleProcess
) -> None:
    alice = uuid4()
    with NasSimulator(SECRET.encode()) as nas:
        values = {"name": "nas", "address": "127.0.0.1", "secret": SECRET, "vendor": "mikrotik",
                  "coa_port": nas.coa_port}  # fmt: skip
        with database.transaction() as session:
            registry.register(session, values, settings.secret_key, SYSTEM)
        tell(settings, package(), customer("alice", alice))
        until(lambda: rows(database, "alice") == OPEN, PATIENCE, worker.output)
        live = nas.add_session("alice")
        start(database, "alice", live.session_id, framed=live.framed_ip)
        tell(settings, customer("alice", alice, "customer.deleted", standing="deleted"))
        until(lambda: not nas.sessions, PATIENCE, "the session was not cut")
        assert rows(database, "alice") == {REJECTED}
        assert nas.effects[("disconnect", live.session_id)] == 1


def test_the_web_role_is_ready_and_describes_itself(
    settings: Settings, port: int, tmp_path: Path
) -> None:
    role = start_role("radius_sync", "web", env=environment(settings, port), folder=tmp_path)
    try:

        def ready() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
            except requests.RequestException:
                return False

        until(ready, PATIENCE, "the web role did not get ready")
        document = requests.get(f"http://127.0.0.1:{port}/openapi.json", timeout=PATIENCE).json()
        assert document["openapi"].startswith("3.1")
        assert "/v1/nas/{nas_id}" in document["paths"]
    finally:
        role.stop()


def test_the_demo_registers_the_loopback_nas_once(settings: Settings, database: Database) -> None:
    demo.register_simulator(database, settings)
    demo.register_simulator(database, settings)
    with database.transaction() as session:
        found = session.execute(text("SELECT host(address) AS host, coa_port FROM nas_device"))
        assert [tuple(row) for row in found] == [(settings.nas_address, settings.nas_coa_port)]
