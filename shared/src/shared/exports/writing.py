"""Write one export: one snapshot, one file, one manifest (invariants I5 and I16)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

import psycopg

from shared.exports.columns import Column
from shared.exports.copying import Progress
from shared.exports.csv_file import write_csv
from shared.exports.files import Format, placed
from shared.exports.manifest import Manifest
from shared.exports.queries import (
    Connection,
    ExportError,
    Statement,
    check_columns,
    count_and_sum,
    driver,
    snapshot,
    sql_text,
)
from shared.exports.xlsx_file import write_xlsx

PROGRESS_ROWS = 10_000
"""Rows between two reports: a report may well be an UPDATE of the job, some milliseconds."""


def write(
    connection: Connection,
    select: Statement,
    columns: Sequence[Column],
    path: Path,
    format: Format,
    *,
    time_zone: str = "UTC",
    on_progress: Progress | None = None,
    sum_column: str | None = None,
) -> Manifest:
    """Write the query's rows to `path`, which nobody sees before it is complete.

    `connection` is idle (a REPEATABLE READ, READ ONLY transaction is opened and ended here) or in
    such a transaction already. `time_zone` is an IANA name. `on_progress` hears the rows written
    so far; raise in it to abandon the export. `sum_column` names a money or integer column.

    Raises `ExportError` when the query does not fit the columns, `OSError` when the disk is full,
    `psycopg.Error` from the server; the folder is then as it was.
    """
    raw = driver(connection)
    query = sql_text(raw, select)
    progress = on_progress or (lambda rows: None)
    _check_sum_column(columns, sum_column)
    with snapshot(raw, time_zone) as name, placed(path) as file:
        check_columns(raw, query, columns)
        rows, digest = _rows_into(
            file, raw, query, columns, format, time_zone, _now_and_then(progress)
        )
        progress(rows)
        total = None
        if sum_column is not None:
            counted, total = count_and_sum(raw, query, sum_column)
            if counted != rows:
                raise ExportError(f"the file has {rows} rows, the snapshot {counted}")
        size = file.seek(0, 2)
    return Manifest(
        rows=rows,
        sum=total,
        sha256=digest,
        bytes=size,
        format=format,
        columns=tuple(column.name for column in columns),
        written_at=datetime.now(UTC),
        snapshot=name,
    )


def _now_and_then(progress: Progress) -> Progress:
    told = 0

    def tell(rows: int) -> None:
        nonlocal told
        if rows - told >= PROGRESS_ROWS:
            told = rows
            progress(rows)

    return tell


def _check_sum_column(columns: Sequence[Column], name: str | None) -> None:
    summable = [column.name for column in columns if column.kind in ("money", "integer")]
    if name is not None and name not in summable:
        raise ExportError(f"sum_column {name!r}: use one of {summable}")


def _rows_into(
    file: BinaryIO,
    connection: psycopg.Connection[Any],
    query: str,
    columns: Sequence[Column],
    format: Format,
    time_zone: str,
    progress: Progress,
) -> tuple[int, str]:
    if format == "csv":
        return write_csv(connection, query, columns, file, progress)
    if format == "xlsx":
        rows = write_xlsx(connection, query, columns, file, progress)
    else:
        # Not above: pyarrow takes 50 MB of a process that may never write a Parquet file.
        from shared.exports.parquet_file import write_parquet

        rows = write_parquet(connection, query, columns, file, progress, time_zone)
    # Both go back into the file while they write, so it is read again, from the page cache.
    file.seek(0)
    return rows, file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
