"""The payments service on a database of the test's own, and people who call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import KeySet
from sqlalchemy import text

from payments import settings as payments_settings
from payments import tasks
from payments.preparing import migrate
from payments.settings import DATABASE, SERVICE, PaymentsSettings
from payments.web import build
from shared.database import Database
from tests.payments.press import Press
from tests.payments.stage import KEY, Stage
from tests.support import databases
from tests.support.noon import NOON


@pytest.fixture
def settings(
    postgres: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PaymentsSettings]:
    """Settings of this test; handlers of events, which take none, see them too."""
    own = {**databases.SECRETS, "TENURE_HOME": str(tmp_path), "TENURE_TIME_ZONE": NOON.key}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    wanted = databases.read_settings(
        SERVICE, DATABASE, PaymentsSettings, postgres, tmp_path, redis_url
    )
    made = databases.fresh(replace(wanted, time_zone=NOON.key), migrate)
    payments_settings.current.cache_clear()
    yield made
    payments_settings.current.cache_clear()
    databases.drop(made)


@pytest.fixture
def database(settings: PaymentsSettings) -> Iterator[Database]:
    opened = Database(settings)
    with opened.transaction() as session:
        # As PUT /v1/holidays does.
        session.execute(text("UPDATE calendar SET time_zone = :zone"), {"zone": NOON.key})
    yield opened
    opened.close()


@pytest.fixture
def app(settings: PaymentsSettings, database: Database) -> Flask:
    return build(settings, database, keys=lambda _afresh: KeySet([KEY]))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def stage(database: Database, client: FlaskClient) -> Stage:
    """Operators, packages and customers as events tell of them, and short ways to call the API."""
    return Stage(database, client)


@pytest.fixture
def clock(database: Database, settings: PaymentsSettings) -> Callable[[], None]:
    """Rings for who is overdue and who is to be reminded."""

    def ring() -> None:
        tasks.mark_overdue(database, settings)
        tasks.remind(database, settings)

    return ring


@pytest.fixture
def press(stage: Stage, database: Database, settings: PaymentsSettings) -> Press:
    return Press(stage, database, settings)
