"""The search for leftovers in what the network keeps: by table and column, never the login (A37)."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from radius_sync.leftovers import BOOKS
from radius_sync.settings import Settings
from shared import leftovers
from shared.database import Database
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import customer, event, hear
from tests.radius_sync.test_erasure import erasing, with_a_past
from tests.support import catalogue


def searched(database: Database, settings: Settings, erasure_id: UUID) -> dict[str, Any]:
    hear(database, event("erasure.searching", erasure_id, {}))
    assert leftovers.search_due(database, "radius-sync", BOOKS, settings.secret_key) == 1
    with database.transaction() as session:
        told = session.scalars(
            text("SELECT data FROM outbox WHERE type = 'erasure.searched' AND subject = :id"),
            {"id": erasure_id},
        )
        found: dict[str, Any] = told.one()
        assert session.scalar(text("SELECT count(*) FROM erasure_needle")) == 0
    return found


def test_no_login_of_the_erased_is_left(database: Database, settings: Settings) -> None:
    told = erasing(with_a_past(database))
    hear(database, told)
    with database.transaction() as session:
        (sealed,) = session.scalars(text("SELECT sealed FROM erasure_needle"))
    assert "alice" not in sealed
    found = searched(database, settings, UUID(told["data"]["erasure_id"]))
    assert (found["service"], found["needles"], found["hits"]) == ("radius-sync", 1, [])
    assert found["columns"] > 80


def test_a_login_that_stayed_behind_is_told_by_table_and_column(
    database: Database, settings: Settings
) -> None:
    """Typed at a NAS after the erasure, and kept in a table that no statement of the erasure knows."""
    told = erasing(with_a_past(database))
    hear(database, told)
    start(database, "alice", "late", ago=1)
    stop(database, "late")
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO tick (name, slot, result) VALUES ('x', 1, '{\"who\": [\"ALICE\"]}')")
        )
    found = searched(database, settings, UUID(told["data"]["erasure_id"]))
    assert found["hits"] == [
        {"table": "radacct", "column": "username", "rows": 1},
        {"table": "tick", "column": "result", "rows": 1},
    ]


def test_the_next_owner_of_the_login_is_no_leftover(database: Database, settings: Settings) -> None:
    told, bob = erasing(with_a_past(database)), uuid4()
    hear(database, told)
    hear(database, customer("alice", bob))
    start(database, "alice", "new", ago=1)
    found = searched(database, settings, UUID(told["data"]["erasure_id"]))
    assert (found["hits"], found["shared_with_others"]) == ([], 1)


def test_every_table_is_searched_or_holds_nobodys_row(database: Database) -> None:
    assert {"radacct", "radpostauth", "session_archive", "disconnect_order"} <= catalogue.searched(
        database, BOOKS
    )
