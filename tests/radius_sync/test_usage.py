"""Usage by day and month that survives archiving (C45)."""

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
from tests.radius_sync.accounting import NOON, account, octets
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, event, hear, package

ZONE = "Asia/Dhaka"


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
