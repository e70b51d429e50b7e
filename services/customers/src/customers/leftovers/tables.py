"""The search for leftovers in this database: it knows nothing of the catalogue's statements, and reads
every text and jsonb column. Names only in erasures of up to 50: each is looked for in every value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from customers.erasure_catalogue import OTHERS, PLACES
from customers.leftovers.needles import Needles
from shared.traces import NAMES_UP_TO, Look, tables, traces


def looks(session: Session) -> Iterator[Look]:
    """Every table with a column that can hold a word."""
    references = {place.table: place.reference for place in PLACES}
    for row in tables(session):
        if row.columns and OTHERS.get(row.table_name, True):
            texts = {one: f'v."{one}"::text' for one in row.columns}
            rows = _rows(row.table_name, row.columns, references.get(row.table_name))
            yield Look(row.table_name, texts, rows)


def search(session: Session, erasure_id: UUID, wanted: Needles) -> dict[str, Any]:
    """What is left of the erased: `hits` by table and column, 0 expected. Reads the whole database.

    A row of a customer who stays is that customer's, whatever word stands in it.
    """
    if wanted.subjects > NAMES_UP_TO:
        wanted = replace(wanted, phrases=frozenset())
    found = traces(session, looks(session), wanted, erasure=erasure_id)
    return found | {"hits": [asdict(hit) for hit in found["hits"]]}


def _rows(table: str, columns: Sequence[str], reference: str | None) -> str:
    """The rows to look at: of the erased, or of nobody whom we know. Joined, not asked row by row."""
    shown = ", ".join(f'v."{one}"' for one in columns)
    if reference is None:
        return f'SELECT {shown} FROM "{table}" v'
    whose = f'v."{reference}"'
    return (
        f'SELECT {shown} FROM "{table}" v JOIN erasure_subject s ON s.customer_id = {whose}'
        " WHERE s.erasure_id = :erasure"
        f' UNION ALL SELECT {shown} FROM "{table}" v LEFT JOIN customer c ON c.id = {whose}'
        " WHERE c.id IS NULL AND NOT EXISTS (SELECT FROM erasure_subject s"
        f"  WHERE s.erasure_id = :erasure AND s.customer_id = {whose})"
    )
