"""One engine per process, one transaction per use case, every caller seeing only the own branch.

A service acts as the role `tenure_NAME`; a caller below the root acts as `tenure_NAME_scoped`, on
which row-level security stands as the second line behind the scope in every query.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text, true
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql import ColumnElement, and_
from uuid_utils import uuid7

from shared.settings import Settings

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def new_metadata() -> MetaData:
    """A service's own: two services may both have an `account`, and tests import them together."""
    return MetaData(naming_convention=NAMING)


# What a request waits for another one's rows before it is told to come back.
LOCK_TIMEOUT = "5s"
# A pool that is empty for 5 s means overload: the caller gets a 503, not a hang.
POOL_TIMEOUT = 5

# The tables of the plumbing.
metadata = new_metadata()

__all__ = [
    "EVERYTHING",
    "Database",
    "Scope",
    "afresh",
    "metadata",
    "new_metadata",
    "passes",
    "uuid7",
]


@dataclass(frozen=True)
class Scope:
    """The branch of the operator tree that a caller may see: a path such as `1/4/`, or None for all."""

    path: str | None

    @property
    def end(self) -> str:
        """The first path after the branch: `/` is followed by `0` in the C collation."""
        assert self.path is not None
        return self.path[:-1] + "0"

    def covers(
        self, column: ColumnElement[str] | InstrumentedAttribute[str]
    ) -> ColumnElement[bool]:
        """The condition that a query puts on its operator path. A range, so that an index serves it."""
        if self.path is None:
            return true()
        return _between(column, self.path, self.end)

    def holds(self, path: str) -> bool:
        return self.path is None or path.startswith(self.path)


# An operator's pages ask for the same ranges: making one takes a thirtieth of a page's time.
@lru_cache(maxsize=1000)
def _between(
    column: ColumnElement[str] | InstrumentedAttribute[str], first: str, end: str
) -> ColumnElement[bool]:
    return and_(column >= first, column < end)


EVERYTHING = Scope(None)


# Asking is a round trip of each transaction: what was of use this moment ago is not asked.
FRESH_SECONDS = 1.0
LAST_USED = "last_used"


def _note_use(_connection: Any, record: Any) -> None:
    record.info[LAST_USED] = time.monotonic()


# Of SQLAlchemy, of a cursor used beside it (COPY), and of a pool whose connections are all waited for.
_PASSING = (OperationalError, InterfaceError, PoolTimeout,
            psycopg.OperationalError, psycopg.InterfaceError)  # fmt: skip


def passes(error: BaseException) -> bool:
    """The database is away or busy, or others hold the rows: the same again may well succeed."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, _PASSING)


# What a transaction becomes that sees one branch only: with `Database.entering`, to select or return.
ENTER = (
    "set_config('role', :role, true),"
    # Row-level security makes every branch look small to the planner: workers for a page of 25 take
    # 30 ms to start.
    " set_config('max_parallel_workers_per_gather', '0', true),"
    " set_config('tenure.scope', :lo, true), set_config('tenure.scope_end', :hi, true)"
)
# Made once, as every statement of a request is: making one takes as long as executing it.
_ENTER = text(f"SELECT {ENTER}")
_BEGIN_WITHIN = "BEGIN READ ONLY; SELECT " + re.sub(r":(\w+)", r"%(\1)s", ENTER)
# A plan for what is sought, since one for any text would not ask the trigrams; and no workers, which
# take longer to start than 25 matches take to be met.
BEGIN_SEARCH = (
    "BEGIN READ ONLY; SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)


def _driver(session: Session) -> psycopg.Connection:
    driver: Any = session.connection().connection.driver_connection
    return cast(psycopg.Connection, driver)


@contextmanager
def afresh(session: Session) -> Iterator[None]:
    """Each statement within is planned for its own values; none is prepared for any."""
    driver = _driver(session)
    kept, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = kept


class Database:
    def __init__(self, settings: Settings) -> None:
        self.role = settings.role
        self.engine: Engine = create_engine(
            settings.database_url,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_size,
            pool_timeout=POOL_TIMEOUT,
            # The connection used last is the one whose statements are prepared.
            pool_use_lifo=True,
            json_deserializer=orjson.loads,
            # An error's text reaches logs and dead letters: the values in it may name people.
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                # 30 s is far above every query of a request; exports set their own limit.
                # A thread that hangs within a transaction would hold back the feed for everybody (its
                # oldest transaction): reconciliation with a distant server rests longest, seconds.
                "options": f"-c statement_timeout=30000 -c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC"
                " -c idle_in_transaction_session_timeout=300000",
            },
        )
        self._each_for_itself = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        # What writes beside the requests, and has to end before the connections do.
        self.before_close: list[Callable[[], None]] = []
        event.listen(self.engine, "connect", self._act_as_service)
        event.listen(self.engine, "checkin", _note_use)
        event.listen(self.engine, "checkout", self._ask_whether_it_lives)

    def _ask_whether_it_lives(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Before a transaction, so that a restart of PostgreSQL is not noticed in the middle of one."""
        if time.monotonic() - record.info.get(LAST_USED, 0.0) < FRESH_SECONDS:
            return
        try:
            self.engine.dialect.do_ping(connection)
        except self.engine.dialect.loaded_dbapi.Error as error:
            # All that the pool holds are as old: they are thrown away together.
            raise InvalidatePoolError from error

    def _act_as_service(self, connection: Any, _record: Any) -> None:
        connection.execute(f"SET ROLE {self.role}")
        connection.commit()

    def close(self) -> None:
        """Nothing of this process asks any more: no thread writes on, no connection stays open."""
        for end in self.before_close:
            end()
        self.engine.dispose()

    @contextmanager
    def transaction(self, scope: Scope = EVERYTHING) -> Iterator[Session]:
        """One transaction, committed at the end of the block, rolled back by any exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            self.enter(session, scope)
            yield session

    def enter(self, session: Session, scope: Scope) -> None:
        """From here on the transaction of `session` sees the branch of `scope` alone."""
        if scope.path is not None:
            session.execute(_ENTER, self.entering(scope))

    @contextmanager
    def reading(self, scope: Scope = EVERYTHING) -> Iterator[Session]:
        """For a page: statements that only read, each of which sees what is committed when it begins.

        So does each of a transaction (READ COMMITTED): without one, two round trips less. Within a
        branch there is one, which its role and its scope need: it begins and enters in one round trip.
        """
        with Session(self._each_for_itself) as session:
            if scope.path is None:
                yield session
                return
            driver = _driver(session)
            with psycopg.ClientCursor(driver) as cursor:
                cursor.execute(_BEGIN_WITHIN, self.entering(scope))
            yield session
            driver.commit()

    @contextmanager
    def searching(self) -> Iterator[Session]:
        """For a text somebody seeks: a transaction that only reads, each statement of which is planned
        for its own values. It begins as the service, and may `enter` a branch."""
        with Session(self._each_for_itself) as session:
            driver = _driver(session)
            with psycopg.ClientCursor(driver) as cursor:
                cursor.execute(BEGIN_SEARCH)
            yield session
            driver.commit()

    def entering(self, scope: Scope) -> dict[str, Any]:
        """The parameters of ENTER, for a scope below the root."""
        return {"role": f"{self.role}_scoped", "lo": scope.path, "hi": scope.end}

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside any transaction, for what must hold a session: locks, COPY."""
        with self._each_for_itself.connect() as connection:
            yield connection

    @contextmanager
    def lock(self, name: str) -> Iterator[Connection | None]:
        """For one holder of `name` in the whole database the connection that holds it, outside any
        transaction; the others get None at once."""
        with self.connection() as connection:
            key = {"name": name}
            held = bool(
                connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), key)
            )
            try:
                yield connection if held else None
            finally:
                # PostgreSQL let go of it when the connection was lost.
                if held and not connection.invalidated:
                    connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), key)
