"""Stale sessions, who may touch accounting, and values that FreeRADIUS would execute."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from radius_sync import housekeeping, scanning
from radius_sync.settings import FREERADIUS_ROLE, Settings
from shared.database import Database
from shared.settings import BadSetting
from tests.radius_sync.accounting import start


def as_owner(database: Database, statement: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text(statement))
        connection.execute(text(f"SET ROLE {database.role}"))


def test_three_missed_interims_close_a_session_and_say_so_f27(database: Database) -> None:
    for name, ago in (("fresh", 900), ("stale", 1100), ("never-interim", 1100), ("old", 90000)):
        start(database, name, name, ago=ago)
    as_owner(database, "UPDATE radacct SET acctinterval = 300 WHERE username IN ('fresh', 'stale')")
    with database.transaction() as session:
        assert housekeeping.close_stale_sessions(session) == 2
        assert housekeeping.close_stale_sessions(session) == 0
        closed = session.execute(
            text("SELECT username, acctterminatecause, acctstoptime = acctupdatetime FROM radacct"
                 " WHERE acctstoptime IS NOT NULL ORDER BY username")
        )  # fmt: skip
        assert [tuple(row) for row in closed] == [
            ("old", "Stale-Session", True),
            ("stale", "Stale-Session", True),
        ]


def test_housekeeping_removes_what_is_old_and_nothing_else(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO tick (name, slot, at) VALUES ('a', 1, now() - interval '3 days'),"
                 " ('a', 2, now())")
        )  # fmt: skip
    housekeeping.clean(database)
    with database.transaction() as session:
        assert session.scalars(text("SELECT slot FROM tick")).all() == [2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE radacct SET acctstoptime = now()",
        "DELETE FROM radacct",
        "INSERT INTO radacct (acctsessionid, acctuniqueid, nasipaddress) VALUES ('a', 'b', '::1')",
        "DELETE FROM radpostauth",
    ],
)
def test_this_service_writes_no_accounting(database: Database, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.transaction() as session,
    ):
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("SELECT count(*) FROM radcheck", True),
        ("SELECT count(*) FROM radacct", True),
        ("INSERT INTO radpostauth (username) VALUES ('alice')", True),
        ("SELECT count(*) FROM subscriber", False),
        ("SELECT count(*) FROM nas_device", False),
        ("DELETE FROM radacct", False),
        ("UPDATE radcheck SET value = 'x'", False),
        ("SELECT close_session('a', 'b')", False),
        ("SELECT erase_sessions(gen_random_uuid(), NULL)", False),
    ],
)
def test_freeradius_has_the_least_privilege(
    settings: Settings, statement: str, allowed: bool
) -> None:
    url = settings.database_url.set(
        drivername="postgresql", username=FREERADIUS_ROLE, password=settings.freeradius_password()
    )
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        if allowed:
            connection.execute(statement)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_outside_the_demo_the_password_of_freeradius_is_asked_for(settings: Settings) -> None:
    from dataclasses import replace

    with pytest.raises(BadSetting, match="RADIUS_DB_PASSWORD"):
        replace(settings, demo=False).freeradius_password()
    given = replace(settings, demo=False, radius_db_password="of-the-site")
    assert given.freeradius_password() == "of-the-site"


@pytest.mark.parametrize("quote", ["`", "'", '"'])
def test_a_value_that_would_be_executed_is_refused_and_found_at_start_b8(
    database: Database, quote: str
) -> None:
    insert = text(
        "INSERT INTO radreply (username, attribute, value) VALUES ('a', 'Reply-Message', :value)"
    )
    value = f"{quote}%{{sql:select 1}}{quote}"
    with (
        pytest.raises(Exception, match="radreply_not_quoted"),
        database.transaction() as session,
    ):
        session.execute(insert, {"value": value})
    # A dump restored without its constraints.
    as_owner(database, "ALTER TABLE radreply DROP CONSTRAINT radreply_not_quoted")
    with database.transaction() as session:
        session.execute(insert, {"value": value})
        with pytest.raises(SystemExit, match="radreply"):
            scanning.refuse_executable_values(session)
