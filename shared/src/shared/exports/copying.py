"""Rows as PostgreSQL's `COPY` sends them.

psycopg's own `for row in copy` waits for every row by itself, which costs more than the row: the
loop here waits once for a block. Measured on 200,000 payments: 0.20 s instead of 0.32 s.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Wait

Progress = Callable[[int], None]
"""Told the rows written so far; an exception it raises abandons the export."""

BLOCK = 100
"""Rows in one write. More is slower: the server stands still while a block is on its way to disk
(0.20 s with 100, 0.22 s with 500, 0.30 s with 5,000).
"""


class Take(Protocol):
    """The next rows, a block at most and `limit` at most; none at the end.

    One buffer is one row with its line feed: `CopyData` messages from the server neither divide
    nor join rows (PostgreSQL, "Message Formats").
    """

    def __call__(self, limit: int = BLOCK) -> list[memoryview]: ...


@contextmanager
def copied(connection: psycopg.Connection[Any], query: str, options: str = "") -> Iterator[Take]:
    """`COPY` the query; leaving the block early cancels it."""
    ended = False

    def take(limit: int = BLOCK) -> list[memoryview]:
        nonlocal ended
        if ended:
            return []
        rows, ended = connection.wait(_block(connection.pgconn, min(limit, BLOCK)))
        return rows

    statement = f"COPY ({query}) TO STDOUT {options}"
    with connection.cursor() as cursor, cursor.copy(statement.encode()):
        yield take


def _block(server: PGconn, size: int) -> PQGen[tuple[list[memoryview], bool]]:
    rows: list[memoryview] = []
    looked = False
    while len(rows) < size:
        length, row = server.get_copy_data(1)
        if length > 0:
            rows.append(row)
            looked = False
        elif length == 0:
            # Mostly there is more already: to wait for it would be two system calls for nothing.
            if looked:
                yield Wait.R
            server.consume_input()
            looked = not looked
        else:
            _finish(server)
            return rows, True
    return rows, False


def _finish(server: PGconn) -> None:
    while result := server.get_result():
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
