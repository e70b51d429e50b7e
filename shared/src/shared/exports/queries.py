"""The query of an export as SQL text, and the snapshot it is read in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg
import sqlalchemy
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from shared.exports.columns import Column

Statement = sqlalchemy.SelectBase | tuple[str, Mapping[str, Any]]
"""A Core `Select`, or SQL in psycopg's `%(name)s` style with its parameters."""

Connection = psycopg.Connection[Any] | sqlalchemy.Connection


class ExportError(Exception):
    """The query, its columns and its transaction do not make an export."""


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection itself, or the one beneath SQLAlchemy's."""
    if isinstance(connection, psycopg.Connection):
        return connection
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise ExportError("exports need a postgresql+psycopg:// connection")
    return raw


def sql_text(connection: psycopg.Connection[Any], statement: Statement) -> str:
    """The statement with its values quoted into it: `COPY` takes no parameters."""
    text, parameters = _compiled(statement) if not isinstance(statement, tuple) else statement
    return psycopg.ClientCursor(connection).mogrify(text, parameters)


def _compiled(statement: sqlalchemy.SelectBase) -> tuple[str, dict[str, Any]]:
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    # The expanded state also spells out `IN (...)`, whose length is known only now.
    state = compiled.construct_expanded_state()
    processors = dict(state.processors)
    for bind, name in compiled.bind_names.items():
        processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if processor is not None:
            processors.setdefault(name, processor)
    values = {
        name: processors[name](value) if name in processors else value
        for name, value in state.parameters.items()
    }
    return state.statement, values


@contextmanager
def snapshot(connection: psycopg.Connection[Any], time_zone: str) -> Iterator[str]:
    """One REPEATABLE READ, READ ONLY transaction; yields PostgreSQL's name of the snapshot.

    Opens and ends the transaction; inside the caller's own it only asserts that the snapshot will
    hold, and the time zone then stays set until that transaction ends.
    """
    ours = connection.info.transaction_status == TransactionStatus.IDLE
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        if ours:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(
            "SELECT pg_current_snapshot()::text, current_setting('transaction_isolation'),"
            " set_config('TimeZone', %s, true), set_config('DateStyle', 'ISO', true)",
            (time_zone,),
        )
        name, isolation, *_ = cursor.fetchone() or ("", "")
        if isolation not in ("repeatable read", "serializable"):
            raise ExportError(f"an export inside a {isolation} transaction is not one snapshot")
        yield name


def check_columns(
    connection: psycopg.Connection[Any], query: str, columns: Sequence[Column]
) -> None:
    """Refuse a query whose output is not the columns, in order: titles would lie."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS export LIMIT 0".encode())
        found = [item.name for item in cursor.description or ()]
    expected = [column.name for column in columns]
    if found != expected:
        raise ExportError(f"the query gives {found}, the columns are {expected}")


def count_and_sum(
    connection: psycopg.Connection[Any], query: str, column: str
) -> tuple[int, Decimal]:
    """Rows and sum as PostgreSQL sees them, to be compared with what the file got."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(
            f'SELECT count(*), coalesce(sum("{column}"), 0)::numeric FROM ({query}) AS export'.encode()
        )
        rows, total = cursor.fetchone() or (0, Decimal(0))
    return rows, total
