"""A toy service on a database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.database import Database
from shared.settings import Settings
from tests.shared.toy import service
from tests.support import databases


@pytest.fixture
def settings(postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Settings]:
    wanted = databases.read_settings("payments", "toy", Settings, postgres, tmp_path, redis_url)
    made = databases.fresh(wanted, service.migrate)
    yield made
    databases.drop(made)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(settings)
    yield opened
    opened.close()


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    return service.build(settings, database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
