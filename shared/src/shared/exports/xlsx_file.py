"""XLSX in constant memory: PostgreSQL writes the rows' XML, `zipfile` packs it (seed E21)."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import psycopg

from shared.exports.columns import Column
from shared.exports.copying import BLOCK, Progress, Rows, copied
from shared.exports.xlsx_cells import row
from shared.exports.xlsx_parts import SHEET_END, parts, sheet_start

ROWS_PER_SHEET = 1_048_575
"""Excel's 1,048,576 rows ("Excel specifications and limits") less the one of titles."""

SHEET_BYTES = 1_900_000_000
"""A sheet of 2 GiB needs ZIP64 headers, which Excel refuses: the next sheet begins before that."""


def write_xlsx(
    connection: psycopg.Connection[Any],
    query: str,
    columns: Sequence[Column],
    file: BinaryIO,
    progress: Progress,
    rows_per_sheet: int = ROWS_PER_SHEET,
) -> int:
    """Write the rows, on as many sheets as they need; returns how many rows."""
    rows, sheets = 0, 0
    rows_as_xml = f"SELECT {row(columns)} FROM ({query}) AS export"
    with ZipFile(file, "w", ZIP_DEFLATED) as book, copied(connection, rows_as_xml, "") as source:
        first = next(source, None)
        while first is not None or sheets == 0:
            sheets += 1
            left = source if first is None else chain([first], source)
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                sheet.write(sheet_start(columns))
                rows = _fill(sheet, left, rows, rows_per_sheet, progress)
                sheet.write(SHEET_END)
            first = next(source, None)
        for name, part in parts(columns, sheets).items():
            book.writestr(name, part)
    return rows


def _fill(sheet: IO[bytes], source: Rows, rows: int, room: int, progress: Progress) -> int:
    """Write rows until the sheet or the source ends; returns the rows of all sheets so far."""
    size = 0
    while size < SHEET_BYTES and (block := list(islice(source, min(BLOCK, room)))):
        size += sheet.write(b"".join(block))
        room -= len(block)
        rows += len(block)
        progress(rows)
    return rows
