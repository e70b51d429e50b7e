"""Rows as PostgreSQL's `COPY` sends them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

Rows = Iterator[memoryview | bytes | bytearray]
Progress = Callable[[int], None]
"""Told the rows written so far after every block; an exception it raises abandons the export."""

BLOCK = 500
"""Rows in one write and one progress report: beyond it speed stays, memory does not."""


@contextmanager
def copied(connection: psycopg.Connection[Any], query: str, options: str) -> Iterator[Rows]:
    """The query's rows, one buffer a row: the protocol never divides nor joins rows (`CopyData`
    in PostgreSQL's "Message Formats").
    """
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT {options}".encode()) as copy,
    ):
        yield iter(copy)
