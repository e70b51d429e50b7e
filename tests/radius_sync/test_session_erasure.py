"""The sessions of a deleted customer go before the person; nothing newer and nobody else's does (A41)."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import session_erasure, tasks
from radius_sync.settings import Settings
from shared.database import Database
from shared.events import Wire
from tests.radius_sync.accounting import by_hand, start, stop
from tests.radius_sync.facts import customer, event, hear, package
from tests.radius_sync.provisioned import OPEN, rows
from tests.radius_sync.test_erasure import erasing, receipts, traces, with_a_past

ZONE = "Asia/Dhaka"


def asking(customer_id: UUID, mode: str = "pseudonymise", before: datetime | None = None) -> Wire:
    moment = before or datetime.now(UTC)
    data = {"removal_id": str(uuid4()), "mode": mode, "before": moment.isoformat()}
    return event("customer.sessions_erasing", customer_id, data)


def finish(database: Database) -> int:
    with database.transaction() as session:
        return session_erasure.finish(session, ZONE)


def erased(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as session:
        return list(
            session.scalars(
                text(
                    "SELECT data FROM outbox WHERE type = 'customer.sessions_erased' ORDER BY position"
                )
            )
        )


def used(database: Database, customer_id: UUID, day: str = "2026-01-05") -> None:
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO usage_day VALUES (:who, CAST(:day AS date), 1, 60, 5, 7)"),
            {"who": customer_id, "day": day},
        )


def count(database: Database, table: str) -> int:
    with database.transaction() as session:
        return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_sessions_usage_answers_and_orders_go_and_the_login_stays_a41(
    database: Database, mode: str
) -> None:
    alice = with_a_past(database)
    used(database, alice)
    by_hand(
        database,
        "INSERT INTO radpostauth (username, pass, reply, authdate)"
        " VALUES ('alice', '', 'Access-Reject', now())",
    )
    with database.transaction() as session:
        session.execute(text("UPDATE disconnect_order SET state = 'done'"))
    hear(database, asking(alice, mode, datetime.now(UTC) + timedelta(seconds=5)))
    assert finish(database) == 1
    left = set(traces(database, "alice"))
    assert not left & {"radacct", "radpostauth", "disconnect_order", "session_archive"}
    assert {"subscriber", "login_owner"} <= left
    assert count(database, "usage_day") == 0
    (receipt,) = erased(database)
    assert receipt["rows"] == {
        "radacct": 1, "radpostauth": 1, "usage_day": 1, "disconnect_order": 1,
    }  # fmt: skip
    assert (receipt["mode"], len(receipt["digest"])) == (mode, 64)
    assert count(database, "radacct") == (1 if mode == "pseudonymise" else 0)
    assert finish(database) == 0


def test_asking_twice_removes_once_and_gives_one_receipt(database: Database) -> None:
    alice = with_a_past(database)
    told = asking(alice)
    hear(database, told)
    hear(database, told)
    assert finish(database) == 1
    hear(database, told)
    assert finish(database) == 0
    assert len(erased(database)) == 1


def test_what_a_restored_customer_did_since_is_never_touched(database: Database) -> None:
    """The event comes late, behind the restore and a new session: versions do not matter, time does."""
    alice = with_a_past(database)
    used(database, alice)
    told = asking(alice)
    hear(database, customer("alice", alice))
    start(database, "alice", "s2", ago=-5)
    used(database, alice, day=str(datetime.now(UTC).date() + timedelta(days=1)))
    hear(database, told)
    assert finish(database) == 1
    with database.transaction() as session:
        rows = session.execute(text("SELECT username, acctsessionid FROM radacct")).all()
    assert {tuple(row) for row in rows if row.acctsessionid == "s2"} == {("alice", "s2")}
    assert not any(row.username == "alice" and row.acctsessionid == "s1" for row in rows)
    assert count(database, "usage_day") == 1
    (receipt,) = erased(database)
    assert receipt["rows"]["radacct"] == 1


def test_the_next_owner_of_the_login_keeps_sessions_and_answers_f32(database: Database) -> None:
    alice, next_owner = with_a_past(database), uuid4()
    hear(database, customer("alice", next_owner))
    start(database, "alice", "s2", ago=-1)
    stop(database, "s2")
    used(database, next_owner)
    hear(database, asking(alice, "everything", datetime.now(UTC) + timedelta(days=1)))
    assert finish(database) == 1
    with database.transaction() as session:
        assert session.scalars(text("SELECT acctsessionid FROM radacct")).all() == ["s2"]
    assert count(database, "usage_day") == 1


def test_it_waits_for_the_last_session_to_end(database: Database, settings: Settings) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1", ago=60)
    hear(database, customer("alice", alice, standing="deleted"), asking(alice))
    assert finish(database) == 0 and erased(database) == []
    stop(database, "s1")
    tasks.close(database, settings)
    assert erased(database)[0]["rows"]["radacct"] == 1


def test_who_is_erased_meanwhile_gets_both_receipts_and_nothing_is_left(
    database: Database, settings: Settings
) -> None:
    alice = with_a_past(database)
    hear(database, asking(alice), erasing(alice))
    tasks.close(database, settings)
    assert traces(database, "alice") == []
    assert (len(receipts(database)), len(erased(database))) == (1, 1)
    assert count(database, "session_erasure_pending") == 0


def test_a_stranger_is_receipted_with_nothing(database: Database) -> None:
    hear(database, asking(uuid4()))
    assert finish(database) == 1
    assert erased(database)[0]["rows"] == {"radacct": 0, "radpostauth": 0}


def test_usage_that_is_counted_again_brings_nothing_back(database: Database) -> None:
    from radius_sync import usage

    alice = with_a_past(database)
    hear(database, asking(alice))
    assert finish(database) == 1
    with database.transaction() as session:
        usage.look_back(session)
        while usage.count(session, ZONE):
            pass
    assert count(database, "usage_day") == 0


def test_a_database_restored_from_before_lets_go_again_f36(database: Database) -> None:
    """Customers' feed is walked from the old cursor: what was asked then is asked again."""
    alice = with_a_past(database)
    told = asking(alice)
    hear(database, told)
    finish(database)
    with database.transaction() as session:
        session.execute(text("DELETE FROM outbox_unsent"))
        session.execute(text("DELETE FROM outbox WHERE type = 'customer.sessions_erased'"))
    start(database, "alice", "s3", ago=120)
    stop(database, "s3")
    hear(database, customer("alice", alice, standing="deleted"), told)
    assert finish(database) == 1
    assert "radacct" not in traces(database, "alice")


def test_deletion_claim_and_restore_end_the_same_in_any_order(database: Database) -> None:
    """Promise 1: lost order, doubles and late news are one case; time decides, not arrival."""
    hear(database, package())
    for number, order in enumerate(itertools.permutations(range(3))):
        who, name = uuid4(), f"anyorder{number}"
        hear(database, customer(name, who, sequence=1))
        start(database, name, f"old{number}", ago=3600)
        stop(database, f"old{number}")
        start(database, name, f"new{number}", ago=-3600)
        stop(database, f"new{number}")
        deleted = customer(name, who, sequence=2, standing="deleted")
        told = [deleted, asking(who), customer(name, who, sequence=4)]
        for index in order:
            hear(database, told[index])
            finish(database)
        hear(database, *told)
        finish(database)
        with database.transaction() as session:
            left = session.scalars(
                text("SELECT acctsessionid FROM radacct WHERE username = :name"), {"name": name}
            ).all()
        assert left == [f"new{number}"], order
        assert rows(database, name) == OPEN
    assert len(erased(database)) == 6
