"""A RADIUS server with a database of its own: it catches up by itself and delays nobody."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from local_site.postgresql import PostgreSQL
from radius_sync import reconciling, registry, targets
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from shared.sealing import seal
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.provisioned import OPEN, REJECTED, rows
from tests.support.servers import start_postgres
from tests.support.waiting import until

LOGIN_TABLES = ("radcheck", "radreply", "radusergroup")


class Remote:
    """The second site: its server can be stopped."""

    def __init__(self, server: PostgreSQL) -> None:
        self.server = server

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.url) as connection:
            return connection.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        with psycopg.connect(self.server.url) as connection:
            connection.execute(statement)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    server = start_postgres(tmp_path / "remote")
    made = Remote(server)
    made.change(files("radius_sync.freeradius").joinpath("schema.sql").read_text())
    yield made
    server.stop()


def add(database: Database, settings: Settings, remote: Remote) -> UUID:
    target_id = uuid4()
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO target (id, name, address_sealed) VALUES (:id, 'south', :address)"),
            {"id": target_id, "address": seal(remote.server.url, settings.secret_key)},
        )
    return target_id


def same_rows(database: Database, remote: Remote) -> bool:
    for table in (*LOGIN_TABLES, "radgroupreply"):
        names = (
            "groupname, priority, username" if table == "radusergroup" else "attribute, op, value"
        )
        statement = f"SELECT {names} FROM {table} ORDER BY {names}"
        with database.transaction() as session:
            here = [tuple(row) for row in session.execute(text(statement))]
        if here != remote.query(statement):
            return False
    return True


def health(database: Database, target: UUID) -> tuple[int, str | None]:
    with database.transaction() as session:
        row = session.execute(
            text("SELECT failures, error FROM target WHERE id = :id"), {"id": target}
        ).one()
        session.execute(text("UPDATE target SET not_before = now()"))
        return row.failures, row.error


def test_a_target_is_given_all_rows_and_then_what_changes(
    database: Database, settings: Settings, remote: Remote
) -> None:
    alice = uuid4()
    hear(database, package(), customer("alice", alice), *(customer(f"u{n}") for n in range(1100)))
    target = add(database, settings, remote)
    assert targets.catch_up(database, target, settings.secret_key) == 1101
    assert same_rows(database, remote)
    hear(database, customer("alice", alice, holds=["admin"]))
    assert targets.catch_up(database, target, settings.secret_key) == 1
    assert same_rows(database, remote)
    assert targets.catch_up(database, target, settings.secret_key) == 0


def test_a_target_that_is_down_delays_nobody_and_catches_up_by_itself(
    database: Database, settings: Settings, remote: Remote
) -> None:
    target = add(database, settings, remote)
    remote.server.stop()
    hear(database, package(), customer("alice"))
    assert rows(database, "alice") == OPEN
    assert targets.catch_up(database, target, settings.secret_key) == 0
    failures, error = health(database, target)
    assert failures == 1
    assert error is not None
    assert "OperationalError" in error
    remote.server.start()
    copier = targets.Copier(database, settings.secret_key)

    def caught_up() -> bool:
        health(database, target)
        copier.kick()
        return same_rows(database, remote) and health(database, target) == (0, None)

    until(caught_up)


def test_a_target_away_for_an_hour_delays_nobody_and_needs_nobody_to_return(
    database: Database, settings: Settings, remote: Remote
) -> None:
    """Sixty minutes of customers coming and going; the waits between are skipped."""
    away = add(database, settings, remote)
    names = [f"u{n}" for n in range(30)]
    ids = {name: uuid4() for name in names}
    hear(database, package(), *(customer(name, ids[name]) for name in names))
    assert targets.catch_up(database, away, settings.secret_key) == 30
    remote.server.stop()
    pauses = []
    for minute in range(60):
        name = names[minute % 30]
        hear(database, customer(name, ids[name], holds=["admin"] if minute < 30 else []))
        hear(database, customer(f"new{minute}"))
        assert (REJECTED in rows(database, name)) == (minute < 30)
        assert rows(database, f"new{minute}") == OPEN
        assert targets.catch_up(database, away, settings.secret_key) == 0
        with database.transaction() as session:
            pauses.append(
                session.scalar(
                    text(
                        "SELECT extract(epoch FROM not_before - now()) FROM target WHERE id = :id"
                    ),
                    {"id": away},
                )
            )
    assert health(database, away)[0] == 60
    assert max(pauses) <= targets.LONGEST_PAUSE, "so soon its return is noticed"
    assert pauses[0] <= 1

    remote.server.start()
    copier = targets.Copier(database, settings.secret_key)

    def caught_up() -> bool:
        copier.kick()
        return same_rows(database, remote)

    until(caught_up)
    until(lambda: health(database, away) == (0, None))
    assert targets.catch_up(database, away, settings.secret_key) == 0


def test_a_target_killed_in_the_middle_ends_with_whole_logins(
    database: Database, settings: Settings, remote: Remote
) -> None:
    target = add(database, settings, remote)
    hear(database, package(), customer("alice"))
    targets.catch_up(database, target, settings.secret_key)
    remote.change(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON radusergroup EXECUTE FUNCTION fail()"
    )
    hear(database, customer("bob"))
    targets.catch_up(database, target, settings.secret_key)
    assert health(database, target)[0] == 1
    assert remote.query("SELECT DISTINCT username FROM radcheck") == [("alice",)]
    remote.change("DROP TRIGGER fail ON radusergroup")
    targets.catch_up(database, target, settings.secret_key)
    assert same_rows(database, remote)


def test_drift_on_a_target_is_found_and_repaired_f40(
    database: Database, settings: Settings, remote: Remote
) -> None:
    target = add(database, settings, remote)
    hear(database, package(), customer("alice"))
    targets.catch_up(database, target, settings.secret_key)
    with database.transaction() as session:
        session.execute(text("UPDATE login SET changed_at = now() - interval '1 minute'"))
    remote.change("DELETE FROM radusergroup")
    remote.change("DELETE FROM radgroupreply WHERE groupname = 'state:walled'")
    remote.change("INSERT INTO radcheck (username, attribute, op, value)"
                  " VALUES ('mallory', 'Cleartext-Password', ':=', 'x')")  # fmt: skip
    report = reconciling.run(database, settings.secret_key, heal=True, actor=SYSTEM)
    assert report["drift"] == {
        "south.missing_row": 1,
        "south.foreign_login": 1,
        "south.changed_group": 1,
    }
    assert same_rows(database, remote)


def test_a_target_that_is_away_is_reported_by_reconciliation(
    database: Database, settings: Settings, remote: Remote
) -> None:
    add(database, settings, remote)
    remote.server.stop()
    hear(database, package(), customer("alice"))
    report = reconciling.run(database, settings.secret_key, heal=True, actor=SYSTEM)
    assert report["drift"] == {"south.target_away": 1}
    remote.server.start()


def test_nases_are_copied_and_kept_as_registered_b28(
    database: Database, settings: Settings, remote: Remote
) -> None:
    target = add(database, settings, remote)
    nas = {"name": "north", "address": "192.0.2.7", "secret": "sixteen-octets-at-least"}
    with database.transaction() as session:
        registry.register(session, nas, settings.secret_key, SYSTEM)
    remote.change("INSERT INTO nas (nasname, shortname, secret) VALUES ('192.0.2.9', 'x', 'y')")
    targets.catch_up(database, target, settings.secret_key)
    kept = "SELECT nasname, type FROM nas ORDER BY nasname"
    assert remote.query(kept) == [("192.0.2.7", "generic"), ("192.0.2.9", "other")]

    remote.change("UPDATE nas SET secret = 'by hand' WHERE nasname = '192.0.2.7'")
    report = reconciling.run(database, settings.secret_key, heal=True, actor=SYSTEM)
    assert report["drift"] == {"south.changed_nas": 1}
    assert "by hand" not in str(remote.query("SELECT secret FROM nas"))
    again = reconciling.run(database, settings.secret_key, heal=True, actor=SYSTEM)
    assert again["drift"] == {}


def test_a_target_that_takes_no_nas_still_gets_its_customers(
    database: Database, settings: Settings, remote: Remote
) -> None:
    target = add(database, settings, remote)
    nas = {"name": "north", "address": "192.0.2.7", "secret": "sixteen-octets-at-least"}
    with database.transaction() as session:
        registry.register(session, nas, settings.secret_key, SYSTEM)
    remote.change("ALTER TABLE nas RENAME TO nas_of_theirs")
    hear(database, package(), customer("alice"))
    targets.catch_up(database, target, settings.secret_key)
    assert same_rows(database, remote)
    failures, error = health(database, target)
    assert failures == 1
    assert "nas" in str(error)
