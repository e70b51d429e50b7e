"""A sent file as rows of text: CSV (RFC 4180) or XLSX, bounded in every direction."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from python_calamine import CalamineError, CalamineWorkbook

Format = Literal["csv", "xlsx"]
# 100,000 customers are about 15 MB of CSV.
MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 100
MOST_LETTERS = 2000
# A workbook of 20 MB that unpacks to more than this is a bomb.
MOST_UNPACKED = 400 * 1024 * 1024
# What our own exports put before a text that a spreadsheet would take for a formula.
GUARD, GUARDED = "'", ("=", "+", "-", "@", "\t", "\r")


class Unreadable(ValueError):
    """The file is not what it says, or too large; the text says where."""


def read(content: bytes, format: Format) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The headers, and the rows that are not empty, each with its line (1 is the header's).

    Raises Unreadable.
    """
    rows = enumerate(_csv(content) if format == "csv" else _xlsx(content), start=1)
    filled = ((line, row) for line, row in rows if any(row))
    line, headers = next(filled, (0, []))
    if not headers:
        raise Unreadable("the file is empty")
    _check_headers(headers)
    found: list[tuple[int, list[str]]] = []
    for line, row in filled:
        if len(found) >= MOST_ROWS:
            raise Unreadable(f"more than {MOST_ROWS} rows: send several files")
        if len([cell for cell in row[len(headers) :] if cell]):
            raise Unreadable(f"line {line} has more cells than the header")
        found.append((line, row[: len(headers)] + [""] * (len(headers) - len(row))))
    if not found:
        raise Unreadable("there is no row below the header")
    return headers, found


def _check_headers(headers: Sequence[str]) -> None:
    if len(headers) > MOST_COLUMNS:
        raise Unreadable(f"more than {MOST_COLUMNS} columns")
    named = [header for header in headers if header]
    if len(set(named)) != len(named):
        raise Unreadable("two columns have the same header")


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}: save it as CSV UTF-8") from error
    if "\x00" in text:
        raise Unreadable("holds a NUL character: this is no CSV file")
    first = text.partition("\n")[0]
    # The one that the header has most of; a header has no free text.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield [_plain(cell, reader.line_num) for cell in row]
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from error


def _xlsx(content: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise Unreadable("the workbook unpacks to more than 400 MB")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        rows = iter(sheet.iter_rows())
        # The sheet begins where its first filled cell is; lines are counted as people see them.
        for _ in range(sheet.start[0] if sheet.start else 0):
            yield []
        for line, row in enumerate(rows, start=1):
            yield [_plain(_text(cell), line) for cell in row]
    except (zipfile.BadZipFile, CalamineError, IndexError) as error:
        raise Unreadable(f"not an XLSX workbook: {error}") from error


def _text(cell: Any) -> str:
    """As people read the cell: Excel keeps whole numbers as floats."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


def _plain(cell: str, line: int) -> str:
    value = cell.strip()
    if len(value) > MOST_LETTERS:
        raise Unreadable(f"line {line}: a cell has more than {MOST_LETTERS} characters")
    if len(value) > 1 and value[0] == GUARD and value[1] in GUARDED:
        return value[1:]
    return value
