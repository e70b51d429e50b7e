"""Clock and queue in: each entry one use case, each ring safe to be lost or doubled."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from radius_sync import erasure, housekeeping, reconciling, session_erasure, sweeping, usage
from radius_sync.settings import Settings
from shared import tombstones
from shared.database import Database
from shared.ticks import tick

# As often as a session tells of itself.
USAGE_SECONDS = 300


def recheck(database: Database) -> None:
    _until_none(database, sweeping.recheck_due)


def sweep(database: Database) -> None:
    _until_none(database, sweeping.sweep)


def close(database: Database, settings: Settings) -> None:
    """What waits for sessions to end: reject rows of removed logins, receipts of erasures."""
    _until_none(database, sweeping.drop_closed)
    _until_none(database, erasure.finish)
    _until_none(database, lambda session: session_erasure.finish(session, settings.time_zone))


def reconcile(database: Database, settings: Settings) -> None:
    reconciling.on_the_minute(database, settings.secret_key, loopback=settings.demo)


def close_stale_sessions(database: Database) -> None:
    _until_none(database, housekeeping.close_stale_sessions)


def read_tombstones(database: Database, settings: Settings) -> None:
    tombstones.catch_up(database, settings, erasure.of_the_file(settings))


def count_usage(database: Database, settings: Settings) -> None:
    """Once per slot: what sessions have used since the last time."""
    if tick(database, "usage", USAGE_SECONDS, lambda session: usage.look_back(session)):
        _until_none(database, lambda session: usage.count(session, settings.time_zone))


def archive(database: Database, settings: Settings) -> None:
    zone, months = settings.time_zone, settings.archive_months
    _until_none(database, lambda session: usage.archive(session, zone, months))


def _until_none(database: Database, work: Callable[[Session], int]) -> None:
    """One transaction per chunk, so that nobody waits long for its locks."""
    while True:
        with database.transaction() as session:
            if work(session) == 0:
                return
