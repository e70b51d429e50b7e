"""Scopes: the range on the path in every query, and row-level security behind it."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from shared.database import EVERYTHING, Database, Scope, afresh, passes
from shared.settings import Settings
from shared.tokens import Principal
from tests.shared.toy import service
from tests.shared.toy.service import add_thing, thing
from tests.support import waiting

PATHS = ["1/", "1/4/", "1/4/9/", "1/40/", "1/5/", "1/4/10/"]
paths = st.lists(st.integers(1, 120), min_size=1, max_size=4).map(
    lambda parts: "".join(f"{part}/" for part in parts)
)


@pytest.fixture(autouse=True)
def things(database: Database) -> None:
    with database.transaction() as session:
        for path in PATHS:
            add_thing(session, path, f"of {path}")


def seen(database: Database, scope: Scope, *, careless: bool = False) -> set[str]:
    query = select(thing.c.operator_path)
    if not careless:
        query = query.where(scope.covers(thing.c.operator_path))
    with database.transaction(scope) as session:
        return set(session.scalars(query))


def test_a_branch_is_seen_whole_and_no_sibling_with_it(database: Database) -> None:
    assert seen(database, Scope("1/4/")) == {"1/4/", "1/4/9/", "1/4/10/"}
    assert seen(database, EVERYTHING) == set(PATHS)


def test_row_level_security_stands_behind_a_query_without_its_scope(database: Database) -> None:
    assert seen(database, Scope("1/4/"), careless=True) == {"1/4/", "1/4/9/", "1/4/10/"}


def test_row_level_security_refuses_to_write_into_another_branch(database: Database) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.transaction(Scope("1/4/")) as session,
    ):
        add_thing(session, "1/5/", "smuggled")


def test_the_scoped_role_changes_nothing_of_others(database: Database) -> None:
    with database.transaction(Scope("1/4/")) as session:
        changed = session.execute(text("UPDATE thing SET name = 'taken' RETURNING operator_path"))
        assert {row[0] for row in changed} == {"1/4/", "1/4/9/", "1/4/10/"}


def test_the_next_user_of_a_connection_does_not_inherit_a_scope(settings: Settings) -> None:
    one = Database(replace(settings, pool_size=1))
    assert len(seen(one, Scope("1/5/"))) == 1
    with one.transaction() as session:
        assert session.scalar(text("SELECT current_user")) == settings.role
        assert session.scalar(text("SELECT count(*) FROM thing")) == len(PATHS)
    one.close()


def test_a_page_is_read_without_a_transaction_and_within_its_branch(settings: Settings) -> None:
    one = Database(replace(settings, pool_size=1))
    with one.reading() as session:
        kept = set(session.scalars(select(thing.c.operator_path)))
        # A transaction has one time for all of its statements.
        first, second = (session.scalar(text("SELECT now()")) for _ in range(2))
    assert kept == set(PATHS) and first != second
    with one.reading(Scope("1/4/")) as session:
        assert set(session.scalars(select(thing.c.operator_path))) == {"1/4/", "1/4/9/", "1/4/10/"}
    with pytest.raises(DBAPIError, match="read-only"), one.reading(Scope("1/4/")) as session:
        add_thing(session, "1/4/", "written while reading")
    # The next user of the connection has a transaction again, and sees everything.
    with one.reading() as session:
        assert set(session.scalars(select(thing.c.operator_path))) == set(PATHS)
    with pytest.raises(RuntimeError), one.transaction() as session:
        add_thing(session, "1/", "half done")
        raise RuntimeError
    assert len(seen(one, EVERYTHING)) == len(PATHS)
    one.close()


def _end_sessions(database: Database) -> None:
    """As a restart of PostgreSQL ends them."""
    with database.transaction() as session:
        mine = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(str(database.engine.url.set(drivername="postgresql"))) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (mine,))


def test_a_connection_that_rested_is_asked_whether_it_lives(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.FRESH_SECONDS", 0.0)
    _end_sessions(database)

    assert len(seen(database, EVERYTHING)) == len(PATHS)


def test_one_used_a_moment_ago_fails_once_and_is_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.FRESH_SECONDS", 60.0)
    _end_sessions(database)

    with pytest.raises(OperationalError):
        seen(database, EVERYTHING)

    assert len(seen(database, EVERYTHING)) == len(PATHS)


def test_a_page_of_many_conditions_is_planned_for_its_own_values(settings: Settings) -> None:
    one = Database(replace(settings, pool_size=1))
    asked = text("SELECT count(*) FROM thing WHERE name = :name AND operator_path > :path")
    prepared = text(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM thing%'"
    )

    def ask(planned: Callable[[Session], AbstractContextManager[None]]) -> Any:
        for path in (None, "1/4/"):
            for _ in range(8):
                with one.reading(Scope(path)) as session, planned(session):
                    session.scalar(asked, {"name": "x", "path": "1/"})
        with one.reading() as session:
            return session.scalar(prepared)

    assert ask(afresh) == 0
    assert ask(lambda _session: nullcontext()) == 1
    one.close()


def test_a_page_of_a_branch_on_a_lost_connection_fails_once_as_a_transaction_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.FRESH_SECONDS", 60.0)
    one = Database(replace(settings, pool_size=1))
    _end_sessions(one)

    with pytest.raises((psycopg.Error, DBAPIError)) as failure, one.reading(Scope("1/4/")):
        pytest.fail("there is no branch to read")

    assert passes(failure.value)
    with one.reading(Scope("1/4/")) as session:
        assert set(session.scalars(select(thing.c.operator_path))) == {"1/4/", "1/4/9/", "1/4/10/"}
    one.close()


def test_a_transaction_that_hangs_is_ended_and_may_be_tried_again(database: Database) -> None:
    with pytest.raises(DBAPIError) as failure, database.transaction() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "5min"
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        waiting.until(lambda: not _runs(database, pid))
        add_thing(session, "1/", "too late")

    assert passes(failure.value)
    assert len(seen(database, EVERYTHING)) == len(PATHS)


def _runs(database: Database, pid: int | None) -> bool:
    with database.transaction() as session:
        query = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = :pid)")
        return bool(session.scalar(query, {"pid": pid}))


def test_an_exception_rolls_everything_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        add_thing(session, "1/", "half done")
        raise RuntimeError
    assert len(seen(database, EVERYTHING)) == len(PATHS)


@given(branch=paths, path=paths)
def test_the_range_is_the_prefix_for_every_path(branch: str, path: str) -> None:
    scope = Scope(branch)

    assert scope.holds(path) == path.startswith(branch)
    assert (branch <= path < scope.end) == path.startswith(branch)


@given(path=paths)
def test_only_the_root_operator_sees_everything(path: str) -> None:
    who = Principal(id=None, name="a", role="manager", path=path)

    assert (who.scope == EVERYTHING) == (path.count("/") == 1)


def test_the_branch_is_found_by_an_index(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO operator_fact (id, version, operator_path, username, name, role, active)"
                " SELECT gen_random_uuid(), 1, '1/' || g || '/', 'u', 'n', 'reseller', true"
                " FROM generate_series(1, 20000) g"
            )
        )
        session.execute(text("RESET ROLE; ANALYZE operator_fact"))
        plan = session.scalars(
            text(
                "EXPLAIN SELECT id FROM operator_fact"
                " WHERE operator_path >= '1/77/' AND operator_path < '1/770'"
            )
        )
        assert any("operator_fact_path" in line for line in plan)


def test_one_holder_of_a_lock_at_a_time_and_the_next_after_it(
    database: Database, settings: Settings
) -> None:
    other = Database(settings)
    with database.lock("relay:toy") as first, other.lock("relay:toy") as second:
        assert first is not None
        assert second is None
    with other.lock("relay:toy") as third:
        assert third
    other.close()


def test_a_lock_ends_with_its_holders_connection(database: Database, settings: Settings) -> None:
    other = Database(settings)
    with pytest.raises(DBAPIError), database.lock("relay:toy"), other.transaction() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        session.commit()

        def taken() -> bool:
            with other.lock("relay:toy") as mine:
                return mine is not None

        waiting.until(taken)
    other.close()


def test_migrating_twice_and_from_two_machines_at_once_is_safe(settings: Settings) -> None:
    errors: list[BaseException] = []

    def migrate() -> None:
        try:
            service.migrate(settings)
        except BaseException as error:
            errors.append(error)

    runs = [threading.Thread(target=migrate) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert errors == []
