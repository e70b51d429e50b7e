"""A session of which accounting tells late is ended all the same, and soon (F33, invariant I7)."""

from uuid import uuid4

from sqlalchemy import text

from radius_sync.reconciling.newcomers import OVERLAP_SECONDS, Newcomers
from shared.database import Database
from tests.radius_sync.accounting import start
from tests.radius_sync.facts import customer, hear, package


def orders(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as session:
        found = session.execute(text("SELECT username, state FROM disconnect_order ORDER BY 1"))
        return [(row.username, row.state) for row in found]


def test_a_session_told_of_after_its_login_was_rejected_is_ended_once(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice), customer("bob"))
    newcomers = Newcomers(database)
    assert newcomers.look() == 0
    hear(database, customer("alice", alice, holds=["admin"]))
    start(database, "alice", "s1")
    start(database, "bob", "s2")

    assert newcomers.look() == 1
    assert orders(database) == [("alice", "due")]
    assert newcomers.look() == 0, "something is being done about it"


def test_a_row_seen_before_the_login_was_rejected_is_looked_at_again(database: Database) -> None:
    hear(database, package(), customer("alice"))
    newcomers = Newcomers(database)
    start(database, "alice", "s1")
    assert newcomers.look() == 0
    with database.transaction() as session:
        # As provisioning leaves it when it looked a moment before the row was there.
        session.execute(text("UPDATE login SET groupname = NULL, access = 'blocked'"))

    assert newcomers.look() == 1


def test_rows_of_long_ago_are_left_to_the_reconciliation(database: Database) -> None:
    hear(database, package(), customer("alice"))
    now = [0.0]
    newcomers = Newcomers(database, clock=lambda: now[0])
    start(database, "alice", "s1")
    for _ in range(2):
        newcomers.look()
        now[0] += OVERLAP_SECONDS + 1
    with database.transaction() as session:
        session.execute(text("UPDATE login SET groupname = NULL, access = 'blocked'"))

    assert newcomers.look() == 0
