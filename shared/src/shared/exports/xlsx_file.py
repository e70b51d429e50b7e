"""XLSX in constant memory: PostgreSQL writes the rows' XML, `zipfile` packs it (seed E21)."""

from collections.abc import Sequence
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import psycopg

from shared.exports.columns import Column
from shared.exports.copying import Progress, copied
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
    with ZipFile(file, "w", ZIP_DEFLATED) as book, copied(connection, rows_as_xml) as take:
        block = take(rows_per_sheet)
        while block or sheets == 0:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                room, size = rows_per_sheet, sheet.write(sheet_start(columns))
                while block:
                    size += sheet.write(b"".join(block))
                    room -= len(block)
                    rows += len(block)
                    progress(rows)
                    block = take(room) if room and size < SHEET_BYTES else []
                sheet.write(SHEET_END)
            block = take(rows_per_sheet)
        for name, part in parts(columns, sheets).items():
            book.writestr(name, part)
    return rows
