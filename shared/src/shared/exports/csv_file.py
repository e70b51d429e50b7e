"""CSV by PostgreSQL's own `COPY`: RFC 4180, UTF-8 with the mark Excel looks for (seed E22).

A cell of free text that a spreadsheet would run is prefixed with an apostrophe (CWE-1236); what
already reads like a prefixed one gets another, so `unguarded` gives back exactly what was stored.
"""

import csv
import io
import os
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, BinaryIO

import psycopg

from shared.exports.columns import Column
from shared.exports.copying import Progress, copied

ACTIVE = "=+-@\t\r\n＝＋－＠"
"""First characters that make a spreadsheet compute a cell (OWASP "CSV Injection")."""

WRITEBACK = 2 * 1024 * 1024
"""Bytes after which the disk begins to write, beside the server and this process."""

_GUARDED = re.compile(rf"'+[{re.escape(ACTIVE)}]")
_CODES = ", ".join(str(ord(character)) for character in ACTIVE)
_WIDE = ord("＋")
"""The first of the wide active characters, of which the last is 21 further."""
_PHONE_BYTES = "\\x" + b"0123456789 ".hex()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def guarded(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip("'")[:1] in tuple(ACTIVE) else text


def unguarded(cell: str) -> str:
    """What was stored, from a cell of the file; for readers of our own files."""
    return cell[1:] if _GUARDED.match(cell) else cell


def write_csv(
    connection: psycopg.Connection[Any],
    query: str,
    columns: Sequence[Column],
    file: BinaryIO,
    progress: Progress,
) -> tuple[int, str]:
    """Write the rows; returns how many, and the file's digest, taken while the server works."""
    digest = sha256()
    rows = size = 0

    def put(block: bytes) -> None:
        nonlocal size
        digest.update(block)
        file.write(block)
        if size // WRITEBACK < (size + len(block)) // WRITEBACK:
            # Nobody here reads it again, and the last fsync then finds little left to do.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size += len(block)

    put(_BYTE_ORDER_MARK + header(columns))
    cells = ", ".join(_cell(column) for column in columns)
    options = "(FORMAT csv, FORCE_QUOTE *)"
    with copied(connection, f"SELECT {cells} FROM ({query}) AS export", options) as take:
        # COPY ends a row with LF, RFC 4180 with CRLF.
        while block := take():
            put(b"\r\n".join([row[:-1] for row in block]) + b"\r\n")
            rows += len(block)
            progress(rows)
    return rows, digest.hexdigest()


def header(columns: Sequence[Column]) -> bytes:
    """The titles; written here because a PostgreSQL label ends after 63 bytes."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([guarded(c.title) for c in columns])
    return line.getvalue().encode()


def _cell(column: Column) -> str:
    match column.kind:
        case "text":
            return _guard(f'"{column.name}"::text')
        case "phone":
            return _guard_phone(f'"{column.name}"::text')
        case "boolean":
            return f'"{column.name}"::text'
        case "timestamp":
            # ISO 8601 with the zone's offset, by the session's TimeZone and DateStyle.
            return f'"{column.name}"::timestamptz'
        case _:
            return f'"{column.name}"'


def _guard(text: str) -> str:
    # ascii() is the code point of the first character: the cheapest test measured (a regular
    # expression takes ten times as long). Code 39 is the apostrophe.
    active = (
        f"CASE WHEN ascii(ltrim({text}, '''')) IN ({_CODES}) THEN '''' || {text} ELSE {text} END"
    )
    # Nearly every cell begins with a letter, and one comparison says so: the remainder brings the
    # wide active characters down to the plain ones, below `A`. The list would be hashed and probed.
    return (
        f"CASE WHEN ascii({text}) % {_WIDE} >= {ord('A')} THEN {text}"
        f" WHEN ascii({text}) IN ({_CODES}, 39) THEN {active} ELSE {text} END"
    )


def _guard_phone(text: str) -> str:
    # +8801… stays as it is; +cmd|… and +880-17-12, which a spreadsheet would subtract, do not.
    # On bytes, because a regular expression costs 45 ms more than this on 200,000 numbers.
    number = rf"rtrim(textsend({text}), '{_PHONE_BYTES}') = '\x2b'"
    return f"CASE WHEN {number} THEN {text} ELSE {_guard(text)} END"
