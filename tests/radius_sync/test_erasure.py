"""Erasure: nothing of the customer is left, nothing of another is touched, and only then a receipt."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import erasure
from radius_sync.settings import Settings
from shared.database import Database
from shared.events import Wire
from tests.radius_sync.accounting import start, stop
from tests.radius_sync.facts import customer, event, hear, package
from tests.radius_sync.provisioned import OPEN, rows

# Every table in which the name of a login may stand.
EVERYWHERE = (
    "subscriber", "login", "login_owner", "radcheck", "radreply", "radusergroup", "radacct",
    "radpostauth", "disconnect_order", "disconnect_attempt", "drift", "dead_letter", "outbox",
    "operation_detail", "idempotency", "erasure_pending", "job", "session_archive",
    "session_erasure_pending",
)  # fmt: skip


def erasing(customer_id: UUID, mode: str = "pseudonymise") -> Wire:
    data = {"erasure_id": str(uuid4()), "mode": mode}
    return event("customer.erasing", customer_id, data, sequence=500)


def traces(database: Database, word: str) -> list[str]:
    found = []
    with database.transaction() as session:
        for table in EVERYWHERE:
            number = session.scalar(
                text(f"SELECT count(*) FROM {table} t WHERE CAST(t.* AS text) LIKE :word"),
                {"word": f"%{word}%"},
            )
            found += [table] if number else []
    return found


def receipts(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as session:
        return list(session.scalars(text("SELECT data FROM outbox WHERE type = 'erasure.receipt'")))


def with_a_past(database: Database) -> UUID:
    """A deleted customer with a closed session, a cut, and drift that was repaired."""
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1", ago=60)
    hear(database, customer("alice", alice, standing="deleted"))
    stop(database, "s1")
    return alice


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_no_trace_of_the_login_is_left_in_any_table_a37(database: Database, mode: str) -> None:
    alice = with_a_past(database)
    assert "radacct" in traces(database, "alice")
    hear(database, erasing(alice, mode))
    assert traces(database, "alice") == []
    (receipt,) = receipts(database)
    assert receipt["service"] == "radius-sync"
    assert receipt["rows"]["radacct"] == 1
    with database.transaction() as session:
        left = session.scalars(text("SELECT username FROM radacct")).all()
    assert [str(name)[:7] for name in left] == (["erased-"] if mode == "pseudonymise" else [])


def test_no_late_event_brings_anything_back(database: Database) -> None:
    alice = with_a_past(database)
    hear(database, erasing(alice))
    hear(database, customer("alice", alice, sequence=10**6))
    hear(database, event("account.changed", alice, {"overdue": True}, sequence=10**6))
    assert traces(database, "alice") == []
    assert rows(database, "alice") == set()


def test_erasing_twice_gives_one_receipt(database: Database) -> None:
    alice = with_a_past(database)
    told = erasing(alice)
    hear(database, told)
    hear(database, told)
    assert len(receipts(database)) == 1


def test_a_customer_never_heard_of_is_receipted_and_stays_erased(database: Database) -> None:
    stranger = uuid4()
    hear(database, erasing(stranger))
    hear(database, package(), customer("late", stranger, sequence=3))
    assert len(receipts(database)) == 1
    assert traces(database, "late") == []


def test_the_next_owner_of_the_login_keeps_rows_and_sessions_f32(database: Database) -> None:
    alice, next_owner = with_a_past(database), uuid4()
    hear(database, customer("alice", next_owner))
    start(database, "alice", "s2", ago=-1)
    hear(database, erasing(alice, "everything"))
    assert rows(database, "alice") == OPEN
    with database.transaction() as session:
        assert session.scalars(text("SELECT acctsessionid FROM radacct")).all() == ["s2"]


def test_the_receipt_waits_for_the_last_session_to_end(database: Database) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice))
    start(database, "alice", "s1", ago=60)
    hear(database, erasing(alice))
    assert receipts(database) == []
    with database.transaction() as session:
        ordered = session.scalar(text("SELECT kind FROM disconnect_order"))
        assert ordered == "disconnect"
    stop(database, "s1")
    with database.transaction() as session:
        assert erasure.finish(session) == 1
    assert traces(database, "alice") == []
    assert len(receipts(database)) == 1


def test_the_receipt_waits_for_every_target(database: Database, settings: Settings) -> None:
    alice = with_a_past(database)
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO target (id, name, address_sealed) VALUES (:id, 'south', 'x')"),
            {"id": uuid4()},
        )
    hear(database, erasing(alice))
    assert receipts(database) == []
    with database.transaction() as session:
        session.execute(
            text("UPDATE target SET applied_xid = login.xid, applied_username = login.username"
                 " FROM login WHERE NOT embedded")
        )  # fmt: skip
        assert erasure.finish(session) == 1
    assert traces(database, "alice") == []
