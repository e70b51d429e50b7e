"""The search for leftovers: an independent look for what an erasure should have removed.

What is looked for (the needles: number, logins, e-mail, phones, names, past ones too) is collected
before anything is removed, in the transaction that removes, and must survive the crash of a process:
it lies sealed in `erasure_needle` until the certificate is written, and goes in that transaction.
The search knows nothing of the catalogue's statements: it reads every text and jsonb column.

A needle that somebody else alive, or an operator, uses too says nothing about the erased: it is left
out and counted. Needles are compared as whole words; names, which are several words, as they stand,
and only in erasures of up to 50 (each name is looked for in every value).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.erasure_catalogue import OTHERS, PLACES
from shared.patterns import literally
from shared.sealing import seal, unseal

FIELDS = ("customer_number", "username", "email", "phone", "name", "address", "static_address")
# Shorter words (`1`, `ali`) stand in every second value.
SHORTEST = 4
NAMES_UP_TO = 50
# A scan of a large outbox takes minutes; an hour ends a runaway.
MOST_SECONDS = 3600
EDGES = ".-_+@"

# The row as it is, and every value that the log remembers of it: logins and names change. One look at
# each line: a long one is unpacked anew for every field that is asked of it.
_ASKED = ", ".join(f"{name} text" for name in FIELDS)
_COLLECT = text(
    "SELECT c.id, jsonb_build_object('customer_number', c.customer_number, 'username', c.username,"
    " 'email', c.email, 'phone', c.phone, 'name', c.name, 'address', c.address,"
    " 'static_address', c.static_address) AS now,"
    " (SELECT jsonb_agg(DISTINCT to_jsonb(f)) FROM operation_detail d,"
    "  LATERAL (VALUES (d.before), (d.after)) AS v(value), LATERAL jsonb_to_record("
    f"   CASE WHEN jsonb_typeof(v.value) = 'object' THEN v.value END) AS f({_ASKED})"
    "  WHERE d.subject = c.id) AS past"
    " FROM customer c WHERE c.id = ANY(:ids) ORDER BY c.id"
)


def remember(session: Session, erasure_id: UUID, ids: Sequence[UUID], secret: bytes) -> None:
    """Keep, sealed, what to look for when `ids` are gone."""
    rows = session.execute(_COLLECT, {"ids": ids}).all()
    session.execute(
        text(
            "INSERT INTO erasure_needle (erasure_id, customer_id, sealed)"
            " SELECT :erasure, n.* FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS text[])) AS n"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "erasure": erasure_id,
            "ids": [row.id for row in rows],
            "sealed": [seal(orjson.dumps(_values(row)).decode(), secret) for row in rows],
        },
    )


def _values(row: Any) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {name: set() for name in FIELDS}
    for pairs in (row.now, *(row.past or [])):
        for name, value in pairs.items():
            if value:
                found[name].add(value)
    return {name: sorted(values) for name, values in found.items() if values}


@dataclass(frozen=True)
class Needles:
    """`words` are compared with the words of a value, `phrases` with the value. All lower case."""

    words: frozenset[str]
    phrases: frozenset[str]
    shared: int = 0


def needles(session: Session, erasure_id: UUID, secret: bytes) -> Needles:
    """What was remembered, without what others use too."""
    rows = session.execute(
        text("SELECT sealed FROM erasure_needle WHERE erasure_id = :id"), {"id": erasure_id}
    ).all()
    words, phrases = set[str](), set[str]()
    for row in rows:
        for name, values in orjson.loads(unseal(row.sealed, secret)).items():
            for value in values:
                (phrases if name in ("name", "address") else words).add(_folded(value))
    if len(rows) > NAMES_UP_TO:
        phrases = set()
    telling = {one for one in words | phrases if len(one) >= SHORTEST}
    used = _used(session, telling)
    return Needles(
        frozenset(words & telling - used), frozenset(phrases & telling - used), len(used)
    )


def _folded(value: str) -> str:
    return value.strip().strip(EDGES).lower()


# In use by somebody who stays: a family's telephone, a common name, a login that was taken again.
_USED = text(
    "SELECT lower(w) FROM customer c, LATERAL (VALUES (c.customer_number), (c.username),"
    " (c.email), (ltrim(c.phone, '+')), (c.name), (c.address), (c.static_address)) AS v(w)"
    " WHERE c.state <> 'erasing' AND lower(w) = ANY(:words)"
    " UNION SELECT lower(w) FROM operator o, LATERAL (VALUES (o.username), (o.name)) AS v(w)"
    " WHERE lower(w) = ANY(:words)"
    " UNION SELECT lower(name) FROM package WHERE lower(name) = ANY(:words)"
)


def _used(session: Session, words: set[str]) -> set[str]:
    if not words:
        return set()
    return {str(one) for one in session.scalars(_USED, {"words": sorted(words)})}


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


def forget(session: Session, erasure_id: UUID) -> None:
    """The needles go with the certificate."""
    session.execute(text("DELETE FROM erasure_needle WHERE erasure_id = :id"), {"id": erasure_id})
