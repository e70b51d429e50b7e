"""The search for leftovers in this database: it knows nothing of the catalogue's statements, and reads
every text and jsonb column. Names only in erasures of up to 50: each is looked for in every value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.erasure_catalogue import OTHERS, PLACES
from customers.leftovers.needles import Needles
from shared.patterns import literally

NAMES_UP_TO = 50
# A scan of a large outbox takes minutes; an hour ends a runaway.
MOST_SECONDS = 3600


@dataclass(frozen=True)
class Look:
    """A table and its columns that can hold a word; `reference` says whose row it is, None: nobody's."""

    table: str
    columns: tuple[str, ...]
    reference: str | None


_COLUMNS = text(
    "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns"
    " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    " AND data_type IN ('text', 'jsonb', 'ARRAY') GROUP BY table_name ORDER BY table_name"
)


def looks(session: Session) -> Iterator[Look]:
    """Every table with a column that can hold a word."""
    references = {place.table: place.reference for place in PLACES}
    for row in session.execute(_COLUMNS).all():
        if OTHERS.get(row.table_name, True):
            yield Look(row.table_name, tuple(row.columns), references.get(row.table_name))


def search(session: Session, erasure_id: UUID, wanted: Needles) -> dict[str, Any]:
    """What is left of the erased: `hits` by table and column, 0 expected. Reads the whole database.

    A row of a customer who stays is that customer's, whatever word stands in it.
    """
    session.execute(text(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'"))
    if wanted.subjects > NAMES_UP_TO:
        wanted = replace(wanted, phrases=frozenset())
    columns, hits = 0, list[dict[str, Any]]()
    for look in looks(session):
        columns += len(look.columns)
        for column, rows in zip(
            look.columns, _count(session, look, erasure_id, wanted), strict=True
        ):
            if rows:
                hits.append({"table": look.table, "column": column, "rows": rows})
    return {
        "columns": columns,
        "needles": len(wanted.words) + len(wanted.phrases),
        "shared_with_others": wanted.shared,
        "names_searched": bool(wanted.phrases),
        "hits": hits,
    }


def _count(session: Session, look: Look, erasure_id: UUID, wanted: Needles) -> Sequence[int]:
    """Rows with a trace, for each column: one reading of the table, whatever the number of columns."""
    if not wanted.words and not wanted.phrases:
        return [0] * len(look.columns)
    values = [f'lower(v."{one}"::text)' for one in look.columns]
    counts = ", ".join(f"count(*) FILTER (WHERE {_traced(one)})" for one in values)
    # Taking a value apart costs 10 µs: once for the whole row, and again only where there is a trace.
    whole = f"concat_ws(' ', {', '.join(values)})"
    return session.execute(
        text(f"SELECT {counts} FROM ({_rows(look)}) AS v WHERE {_traced(whole)}"),
        {
            "erasure": erasure_id,
            "words": sorted(wanted.words),
            "phrases": [f"%{literally(one)}%" for one in sorted(wanted.phrases)],
        },
    ).one()


def _rows(look: Look) -> str:
    """The rows to look at: of the erased, or of nobody whom we know. Joined, not asked row by row."""
    shown = ", ".join(f'v."{one}"' for one in look.columns)
    if look.reference is None:
        return f'SELECT {shown} FROM "{look.table}" v'
    whose = f'v."{look.reference}"'
    return (
        f'SELECT {shown} FROM "{look.table}" v JOIN erasure_subject s ON s.customer_id = {whose}'
        " WHERE s.erasure_id = :erasure"
        f' UNION ALL SELECT {shown} FROM "{look.table}" v LEFT JOIN customer c ON c.id = {whose}'
        " WHERE c.id IS NULL AND NOT EXISTS (SELECT FROM erasure_subject s"
        f"  WHERE s.erasure_id = :erasure AND s.customer_id = {whose})"
    )


def _traced(value: str) -> str:
    return (
        f"EXISTS (SELECT FROM regexp_split_to_table({value}, '[^[:alnum:]_@.+-]+') AS w"
        "  WHERE btrim(w, '.-_+@') = ANY(CAST(:words AS text[])))"
        f" OR {value} LIKE ANY(CAST(:phrases AS text[]))"
    )
