"""Who had an address at a time, of live and archived sessions; no question reads all of them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import tasks
from radius_sync.settings import Settings
from shared.database import Database
from tests.radius_sync.accounting import NOON, account
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package


@pytest.fixture
def alice(database: Database) -> UUID:
    made = uuid4()
    hear(database, package(), customer("alice", made))
    return made


@pytest.mark.parametrize(
    ("column", "value", "asked"),
    [
        ("framedipaddress", "100.64.0.7", "100.64.0.7"),
        ("framedipv6address", "2001:db8::7", "2001:db8:0::7"),
        ("framedipv6prefix", "2001:db8:1::/64", "2001:db8:1::beef"),
        ("delegatedipv6prefix", "2001:db8:ff00::/56", "2001:db8:ff00:ff::1"),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_who_had_an_address_at_a_time_is_found_live_and_archived(
    database: Database, settings: Settings, admin: Caller, alice: UUID, column: str, value: str,
    asked: str, archived: bool,
) -> None:  # fmt: skip
    end = NOON + timedelta(hours=1)
    account(database, "bob", "before", **{column: value}, acctstarttime=NOON - timedelta(hours=2),
            acctstoptime=NOON)  # fmt: skip
    account(database, "alice", "then", **{column: value}, acctstoptime=end)
    account(database, "bob", "after", **{column: value}, acctstarttime=end)
    if archived:
        tasks.archive(database, settings)
    at = (NOON + timedelta(minutes=30)).isoformat().replace("+", "%2B")
    (found,) = admin("GET", f"/v1/sessions/who-had?address={asked}&at={at}").json["items"]
    assert (found["session_id"], found["customer_id"]) == ("then", str(alice))
    (now,) = admin("GET", f"/v1/sessions/who-had?address={asked}").json["items"]
    assert now["session_id"] == "after"


def test_who_had_an_address_is_told_of_the_own_branch_only(
    database: Database, admin: Caller, north: Caller
) -> None:
    hear(database, package(), customer("south", path="1/5/"))
    account(database, "south", "s1", framedipaddress="100.64.0.9")
    place = "/v1/sessions/who-had?address=100.64.0.9"
    assert len(admin("GET", place).json["items"]) == 1
    assert north("GET", place).json["items"] == []
    for wrong in (
        "address=x",
        "address=100.64.0.9&at=noon",
        "address=100.64.0.9&at=2026-01-01T00:00:00",
    ):
        assert admin("GET", f"/v1/sessions/who-had?{wrong}").status_code == 422


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT radacctid FROM session_record WHERE framedipaddress = '100.64.0.1'",
         "radacct_framed_ip"),
        ("SELECT radacctid FROM session_record WHERE framedipv6address = '2001:db8::1'",
         "radacct_framed_ipv6"),
        ("SELECT radacctid FROM session_record WHERE delegatedipv6prefix >>= '2001:db8::1'",
         "radacct_delegated_prefix"),
        ("SELECT radacctid FROM radacct WHERE (acctupdatetime, radacctid) > (now(), 1)"
         " ORDER BY acctupdatetime, radacctid LIMIT 10", "radacct_seen"),
        ("SELECT radacctid FROM radacct WHERE acctstoptime < now() - interval '1 month'"
         " ORDER BY acctstoptime LIMIT 10", "radacct_stopped"),
    ],
)  # fmt: skip
def test_no_question_reads_all_sessions(database: Database, query: str, index: str) -> None:
    with database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {query}")))
    assert index in plan
    assert "Seq Scan on radacct" not in plan
