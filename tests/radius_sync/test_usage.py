"""Usage by day and month that survives archiving, and who had an address at a time (C45)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from radius_sync import tasks, usage
from radius_sync.settings import Settings
from radius_sync.subject_data import PLACES
from shared import subject_data
from shared.database import Database
from shared.settings import BadSetting
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, event, hear, package

NOON = datetime(2026, 3, 10, 6, tzinfo=UTC)  # in Dhaka
ZONE = "Asia/Dhaka"


def account(database: Database, username: str, session_id: str, **columns: Any) -> None:
    """A row of radacct as FreeRADIUS leaves it after a report; written anew by the next one."""
    values = {
        "acctsessionid": session_id, "acctuniqueid": f"u-{session_id}", "username": username,
        "nasipaddress": "10.0.0.1", "acctstarttime": NOON, "acctupdatetime": NOON, **columns,
    }  # fmt: skip
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    changed = ", ".join(f"{name} = excluded.{name}" for name in values)
    statement = text(
        f"INSERT INTO radacct ({names}) VALUES ({places})"
        f" ON CONFLICT (acctuniqueid) DO UPDATE SET {changed}"
    )
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(statement, values)
        connection.execute(text(f"SET ROLE {database.role}"))


def octets(seconds: int, upload: int, download: int, **more: Any) -> dict[str, Any]:
    return {
        "acctsessiontime": seconds, "acctinputoctets": upload, "acctoutputoctets": download, **more,
    }  # fmt: skip


def count(database: Database) -> None:
    with database.transaction() as session:
        usage.look_back(session)
    while True:
        with database.transaction() as session:
            if usage.count(session, ZONE, most=3) == 0:
                return


def days(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT CAST(day AS text), sessions, seconds, upload_octets, download_octets"
                " FROM usage_day ORDER BY day"
            )
        )
        return [tuple(row) for row in found]


@pytest.fixture
def alice(database: Database) -> UUID:
    made = uuid4()
    hear(database, package(), customer("alice", made))
    return made


def test_each_report_adds_what_is_more_than_before_however_often_it_is_counted(
    database: Database, alice: UUID
) -> None:
    account(database, "alice", "s1", **octets(300, 100, 1000))
    count(database)
    count(database)
    assert days(database) == [("2026-03-10", 1, 300, 100, 1000)]
    later = NOON + timedelta(minutes=5)
    account(database, "alice", "s1", **octets(600, 150, 1500, acctupdatetime=later))
    account(database, "alice", "s2", **octets(60, 1, 2, acctstoptime=later))
    count(database)
    assert days(database) == [("2026-03-10", 2, 660, 151, 1502)]


def test_a_session_over_midnight_counts_on_both_days_of_the_sites_time_zone(
    database: Database, alice: UUID
) -> None:
    before = datetime(2026, 3, 10, 17, 58, tzinfo=UTC)  # 23:58 in Dhaka
    account(database, "alice", "s1", **octets(300, 10, 100, acctupdatetime=before))
    count(database)
    after = before + timedelta(minutes=5)
    account(database, "alice", "s1", **octets(600, 30, 300, acctupdatetime=after))
    count(database)
    assert days(database) == [
        ("2026-03-10", 1, 300, 10, 100),
        ("2026-03-11", 0, 300, 20, 200),
    ]


def test_a_report_that_was_overtaken_takes_nothing_back(database: Database, alice: UUID) -> None:
    account(database, "alice", "s1", **octets(600, 50, 500))
    count(database)
    account(database, "alice", "s1", **octets(300, 20, 200))
    count(database)
    account(database, "alice", "s1", **octets(900, 60, 600))
    count(database)
    assert days(database) == [("2026-03-10", 1, 900, 60, 600)]


def test_usage_counts_for_whom_the_login_belonged_to_f32(database: Database, alice: UUID) -> None:
    """A session of nobody known is counted for nobody."""
    account(database, "nobody", "s0", **octets(1, 1, 1))
    account(database, "alice", "s1", **octets(2, 2, 2))
    count(database)
    assert days(database) == [("2026-03-10", 1, 2, 2, 2)]


def test_archiving_keeps_sums_sessions_and_what_was_not_counted_yet_c45(
    database: Database, settings: Settings, admin: Caller, alice: UUID
) -> None:
    for number in range(4):
        ended = NOON - timedelta(days=20 * number)
        account(
            database, "alice", f"s{number}",
            **octets(10, 1, 2, acctstoptime=ended, acctupdatetime=ended, acctstarttime=ended),
        )  # fmt: skip
    account(database, "alice", "open", **octets(10, 1, 2))
    now = datetime.now(UTC)
    account(database, "alice", "recent", **octets(10, 1, 2, acctstoptime=now, acctupdatetime=now))
    tasks.archive(database, settings)
    tasks.archive(database, settings)
    with database.transaction() as session:
        left = session.scalars(text("SELECT acctsessionid FROM radacct ORDER BY 1")).all()
        moved = session.scalars(text("SELECT acctsessionid FROM session_archive ORDER BY 1")).all()
        parts = session.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
                 " 'session_archive'::regclass ORDER BY 1")
        ).all()  # fmt: skip
    assert left == ["open", "recent"]
    assert moved == ["s0", "s1", "s2", "s3"]
    assert parts == [
        "session_archive_2026_01",
        "session_archive_2026_02",
        "session_archive_2026_03",
    ]
    count(database)
    assert sum(row[1] for row in days(database)) == 6

    records = admin("GET", f"/v1/usage?customer_id={alice}&limit=2").json
    assert [one["session_id"] for one in records["items"]] == ["recent", "open"]
    more = admin(
        "GET", f"/v1/usage?customer_id={alice}&limit=9&cursor={records['next_cursor']}"
    ).json
    assert [one["session_id"] for one in more["items"]] == ["s3", "s2", "s1", "s0"]
    march = admin("GET", f"/v1/usage?customer_id={alice}&from=2026-03-01&to=2026-03-31").json
    assert {one["session_id"] for one in march["items"]} == {"s0", "open", "recent"}
    spring = f"/v1/usage?customer_id={alice}&from=2026-02-15&to=2026-03-31&period="
    assert admin("GET", spring + "month").json["items"] == [
        {"from": "2026-02-15", "to": "2026-02-28", "sessions": 1, "seconds": 10,
         "upload_octets": 1, "download_octets": 2},
        {"from": "2026-03-01", "to": "2026-03-31", "sessions": 2, "seconds": 20,
         "upload_octets": 2, "download_octets": 4},
    ]  # fmt: skip
    by_day = admin("GET", spring + "day").json["items"]
    assert [one["from"] for one in by_day] == ["2026-02-18", "2026-03-10"]


def test_usage_of_another_branch_and_of_senseless_days_is_not_answered(
    database: Database, admin: Caller, north: Caller
) -> None:
    south = uuid4()
    hear(database, package(), customer("south", south, path="1/5/"))
    account(database, "south", "s1", **octets(10, 1, 2))
    count(database)
    place = f"/v1/usage?customer_id={south}&period=month&from=2026-01-01&to=2026-12-31"
    assert admin("GET", place).json["items"] != []
    assert north("GET", place).json["items"] == []
    for wrong, named in (
        ("from=2026-02-01&to=2026-01-01", "to"), ("from=x", "from"), ("period=year", "period"),
        ("period=day&from=2020-01-01&to=2026-01-01", "from"),
    ):  # fmt: skip
        refused = admin("GET", f"/v1/usage?customer_id={south}&{wrong}")
        assert refused.status_code == 422
        assert named in refused.text


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


def test_erasure_takes_usage_and_archived_sessions_too_a37(
    database: Database, settings: Settings, alice: UUID
) -> None:
    account(database, "alice", "s1", framedipaddress="100.64.0.7", acctstoptime=NOON)
    account(database, "alice", "s2", **octets(1, 1, 1), acctstoptime=datetime.now(UTC))
    tasks.archive(database, settings)
    count(database)
    hear(database, customer("alice", alice, standing="deleted"))
    data = {"erasure_id": str(uuid4()), "mode": "pseudonymise"}
    hear(database, event("customer.erasing", alice, data, sequence=10**6))
    with database.transaction() as session:
        (rows,) = session.scalars(
            text("SELECT data->'rows' FROM outbox WHERE type = 'erasure.receipt'")
        )
        archived = session.execute(
            text("SELECT username, framedipaddress FROM session_archive")
        ).one()
        for table in ("usage_day", "usage_counted"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert (rows["radacct"], rows["usage_day"]) == (2, 1)
    assert archived.username.startswith("erased-")
    assert archived.framedipaddress is None
    count(database)
    assert days(database) == []


def test_a_persons_export_holds_usage_and_archived_sessions(
    database: Database, settings: Settings, alice: UUID
) -> None:
    account(database, "alice", "old", **octets(1, 1, 1), acctstoptime=NOON)
    account(database, "bob", "other", **octets(1, 1, 1), acctstoptime=NOON)
    tasks.archive(database, settings)
    with database.transaction() as session:
        held = list(subject_data.held(session, alice, PLACES))
    tables = {table for table, _ in held}
    assert {"usage_day", "session_archive"} <= tables
    assert [row["acctsessionid"] for table, row in held if table == "session_archive"] == ["old"]


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


def test_a_time_zone_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from radius_sync.settings import read
    from tests.support.databases import SECRETS

    for name, value in {**SECRETS, "TENURE_DEMO": "1", "TENURE_TIME_ZONE": "Nowhere"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match="TENURE_TIME_ZONE"):
        read()
    monkeypatch.setenv("TENURE_TIME_ZONE", "UTC")
    monkeypatch.setenv("SESSION_ARCHIVE_MONTHS", "0")
    with pytest.raises(BadSetting, match="SESSION_ARCHIVE_MONTHS"):
        read()
