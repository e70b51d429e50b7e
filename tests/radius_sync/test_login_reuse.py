"""A login that went to another and came back: each has the own sessions by their Class (F32, F23)."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import erasure, tasks
from radius_sync.settings import Settings
from radius_sync.subject_data import PLACES
from shared import subject_data
from shared.database import Database
from tests.radius_sync.accounting import by_hand, start, stop
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, event, hear, package


@dataclass(frozen=True)
class Owners:
    """`first` had the login, `second` in between, and `first` has it again."""

    first: UUID
    second: UUID


@pytest.fixture
def owners(database: Database) -> Owners:
    """The clock of the NAS told each beginning in the time of the other, or of nobody."""
    both = Owners(uuid4(), uuid4())
    hear(database, package(), customer("alice", both.first))
    hear(database, customer("alice", both.first, standing="deleted"))
    hear(database, customer("alice", both.second))
    hear(database, customer("alice", both.second, standing="deleted"))
    hear(database, customer("alice", both.first))
    by_hand(
        database,
        "UPDATE login_owner SET since = now() - interval '2 days', until = now() - interval '1 day'"
        f" WHERE customer_id = '{both.second}';"
        " UPDATE login_owner SET until = now() - interval '2 days' WHERE since = '-infinity';"
        " UPDATE login_owner SET since = now() - interval '1 day' WHERE until = 'infinity'",
    )
    day = 86400
    for of, name, ago in (
        (both.first, "first-on-time", 3 * day), (both.first, "first-late", 1.5 * day),
        (both.second, "second-on-time", 1.5 * day), (both.second, "second-early", 10_000 * day),
    ):  # fmt: skip
        start(database, "alice", name, ago=ago, label=f"{of}:1")
    start(database, "alice", "no-class", ago=1.5 * day)
    return both


FIRST, SECOND = ["first-late", "first-on-time"], ["no-class", "second-early", "second-on-time"]


def listed(admin: Caller, url: str) -> list[str]:
    answer = admin("GET", url)
    assert answer.status_code == 200, answer.json
    return sorted(one["session_id"] for one in answer.json["items"])


def test_lists_of_sessions_and_usage_show_each_owner_the_own_ones_once(
    admin: Caller, owners: Owners
) -> None:
    for of, own in ((owners.first, FIRST), (owners.second, SECOND)):
        assert listed(admin, f"/v1/sessions?customer_id={of}") == own
        assert listed(admin, f"/v1/usage?customer_id={of}") == own
    assert listed(admin, "/v1/sessions") == sorted(FIRST + SECOND)


def test_usage_is_counted_for_whom_the_class_names(
    database: Database, settings: Settings, owners: Owners
) -> None:
    by_hand(database, "UPDATE radacct SET acctsessiontime = 60")
    tasks.count_usage(database, settings)
    with database.transaction() as session:
        found = session.execute(
            text("SELECT customer_id, sum(sessions), sum(seconds) FROM usage_day GROUP BY 1")
        )
        counted = {row[0]: (int(row[1]), int(row[2])) for row in found}
    assert counted == {owners.first: (2, 120), owners.second: (3, 180)}


def test_a_persons_export_holds_the_own_sessions(database: Database, owners: Owners) -> None:
    for of, own in ((owners.first, FIRST), (owners.second, SECOND)):
        with database.transaction() as session:
            rows = [row for table, row in subject_data.held(session, of, PLACES)
                    if table == "radacct"]  # fmt: skip
        assert sorted(row["acctsessionid"] for row in rows) == own


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_an_erasure_waits_for_and_takes_the_own_sessions_only(
    database: Database, owners: Owners, mode: str
) -> None:
    for name in (*FIRST, "second-on-time", "no-class"):
        stop(database, name)
    told = {"erasure_id": str(uuid4()), "mode": mode}
    hear(database, event("customer.erasing", owners.second, told, sequence=500))
    receipt = text("SELECT count(*) FROM outbox WHERE type = 'erasure.receipt'")
    with database.transaction() as session:
        assert session.scalar(receipt) == 0, "one of its sessions is open"
    stop(database, "second-early")
    with database.transaction() as session:
        assert erasure.finish(session) == 1
        kept = session.scalars(
            text("SELECT acctsessionid FROM radacct WHERE username = 'alice' ORDER BY 1")
        ).all()
    assert kept == FIRST
