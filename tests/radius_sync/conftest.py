"""A database of radius-sync per test, and the web role over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import KeySet

import shared.database
from radius_sync import inventory
from radius_sync import settings as radius_settings
from radius_sync.api import BLUEPRINTS
from radius_sync.disconnecting import Sender
from radius_sync.installation import migrate
from radius_sync.jobs import jobs
from radius_sync.nas_simulator import Inventory, NasSimulator
from radius_sync.reconciling.inventories import GRACE_SECONDS
from radius_sync.settings import Settings
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared.database import Database
from shared.http import create_app, looking
from tests.radius_sync.calling import KEY, Caller
from tests.radius_sync.cutting import ANSWERING, SECRET
from tests.radius_sync.dynamic_site import register
from tests.support.databases import SECRETS, drop, fresh, read_settings
from tests.support.waiting import PATIENCE


@pytest.fixture
def settings(
    postgres: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Of a new, migrated, empty database; handlers of events, which take none, see the keys too."""
    read = read_settings("radius-sync", "radius", Settings, postgres, tmp_path, redis_url)
    made = fresh(read, migrate)
    for name, value in {**SECRETS, "TENURE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    radius_settings.current.cache_clear()
    yield made
    radius_settings.current.cache_clear()
    drop(made)


@pytest.fixture
def database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Who waits for rows gets them, however long this process keeps the other from going on."""
    monkeypatch.setattr(shared.database, "LOCK_TIMEOUT", f"{PATIENCE:g}s")
    made = Database(settings)
    yield made
    made.close()


@pytest.fixture
def client(settings: Settings, database: Database) -> FlaskClient:
    app = create_app(
        settings, "radius-sync", [*BLUEPRINTS, looking.access], keys=lambda _: KeySet([KEY]),
        jobs=jobs(settings), subscriptions=SUBSCRIPTIONS, database=database,
    )  # fmt: skip
    return app.test_client()


@pytest.fixture
def admin(client: FlaskClient) -> Caller:
    return Caller(client, "admin", "1/")


@pytest.fixture
def north(client: FlaskClient) -> Caller:
    return Caller(client, "reseller", "1/4/")


@pytest.fixture
def nas() -> Iterator[NasSimulator]:
    """It ends sessions, and tells accounting nothing of it."""
    with NasSimulator(SECRET.encode(), send_stop=False) as simulator:
        yield simulator


@pytest.fixture
def sender(database: Database, settings: Settings) -> Sender:
    """Where a NAS answers."""
    return Sender(database, settings.secret_key, ANSWERING)


@pytest.fixture
def listed(
    nas: NasSimulator, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Inventory]:
    """The NAS is registered, and asked for its sessions; it has time to answer."""
    monkeypatch.setattr(inventory, "TIMEOUT", (PATIENCE, PATIENCE))
    monkeypatch.setattr(inventory, "DEADLINE", PATIENCE)
    with Inventory(nas, token="let-me-in") as made:
        register(
            admin, "127.0.0.1", coa_port=nas.coa_port, sessions_url=made.url,
            sessions_token="let-me-in",
        )  # fmt: skip
        yield made


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is on its way."""
    for kind in GRACE_SECONDS:
        monkeypatch.setitem(GRACE_SECONDS, kind, 0)
