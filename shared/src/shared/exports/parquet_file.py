"""Parquet for warehouses: exact money (decimal128), times with their zone, zstd, by pyarrow."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from psycopg.rows import tuple_row

from shared.exports.columns import Column
from shared.exports.copying import Progress

BATCH = 10_000
"""Rows held at once, and in one row group: 10,000 payments are about 10 MB of Python objects."""

_TYPES = {
    "text": "text",
    "phone": "text",
    "money": "numeric",
    "integer": "bigint",
    "timestamp": "timestamptz",
    "boolean": "boolean",
    "date": "date",
}


def write_parquet(
    connection: psycopg.Connection[Any],
    query: str,
    columns: Sequence[Column],
    file: BinaryIO,
    progress: Progress,
    time_zone: str,
) -> int:
    """Write the rows in batches; returns how many.

    Raises `pyarrow.ArrowInvalid` for money with more places than its column's `decimals`.
    """
    schema = pa.schema([(column.name, _arrow_type(column, time_zone)) for column in columns])
    cells = ", ".join(f'"{column.name}"::{_TYPES[column.kind]}' for column in columns)
    rows = 0
    with (
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
        psycopg.ServerCursor(connection, "export", row_factory=tuple_row) as cursor,
    ):
        cursor.execute(f"SELECT {cells} FROM ({query}) AS export".encode())
        while batch := cursor.fetchmany(BATCH):
            values = zip(*batch, strict=True)
            arrays = [pa.array(v, f.type) for v, f in zip(values, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += len(batch)
            progress(rows)
    return rows


def _arrow_type(column: Column, time_zone: str) -> pa.DataType:
    return {
        "text": pa.string(),
        "phone": pa.string(),
        "money": pa.decimal128(38, column.decimals),
        "integer": pa.int64(),
        "timestamp": pa.timestamp("us", tz=time_zone),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }[column.kind]
