"""A database of radius-sync per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from radius_sync.installation import migrate
from radius_sync.settings import Settings
from shared.database import Database
from tests.support.databases import fresh, read_settings


@pytest.fixture
def settings(postgres: str, redis_url: str, tmp_path: Path) -> Settings:
    """Of a new, migrated, empty database."""
    read = read_settings("radius-sync", "radius", Settings, postgres, tmp_path, redis_url)
    return fresh(read, migrate)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    made = Database(settings)
    yield made
    made.engine.dispose()
