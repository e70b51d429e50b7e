"""The file by which a container's health check knows that a role still turns."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from shared import messaging
from shared.database import Database
from shared.relay import Relay
from shared.settings import Settings
from shared.timers import Watchdog
from tests.support.waiting import until


@pytest.fixture
def pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "pulse"
    monkeypatch.setenv("TENURE_PULSE", str(file))
    return file


def test_a_worker_shows_its_pulse_once_it_has_reached_postgresql(
    settings: Settings, database: Database, pulse: Path
) -> None:
    Watchdog(database, settings.redis_url, ("toy",)).watch()
    assert pulse.exists()


def test_a_worker_that_cannot_reach_postgresql_shows_none(settings: Settings, pulse: Path) -> None:
    away = replace(settings, database_url=settings.database_url.set(database="gone"))
    with pytest.raises(OperationalError):
        Watchdog(Database(away), settings.redis_url, ("toy",)).watch()
    assert not pulse.exists()


@pytest.fixture
def relay(settings: Settings, database: Database) -> Iterator[Callable[[], None]]:
    """Starts a relay; it is stopped after the test."""
    relay = Relay(settings, database, messaging.celery_app(settings))
    thread = threading.Thread(target=relay.run, daemon=True)
    yield thread.start
    relay.stopping = True
    thread.join()


def test_a_relay_shows_its_pulse_while_it_works(relay: Callable[[], None], pulse: Path) -> None:
    relay()
    until(pulse.exists)
    pulse.unlink()
    until(pulse.exists)


def test_a_relay_shows_its_pulse_while_another_one_works(
    database: Database, relay: Callable[[], None], pulse: Path
) -> None:
    with database.lock("relay:payments"):
        relay()
        until(pulse.exists)
        pulse.unlink()
        until(pulse.exists)


def test_beat_shows_its_pulse_at_every_tick(settings: Settings, pulse: Path) -> None:
    app = messaging.celery_app(settings)
    beat = app.Beat()
    chosen = vars(beat)["scheduler_cls"]
    scheduler = beat.Service(app, scheduler_cls=chosen).get_scheduler()
    assert scheduler.tick() <= app.conf.beat_max_loop_interval
    assert pulse.exists()


def test_without_a_file_nothing_is_written(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENURE_PULSE", raising=False)
    monkeypatch.chdir(tmp_path)
    Watchdog(database, settings.redis_url, ("toy",)).watch()
    assert list(tmp_path.iterdir()) == []
