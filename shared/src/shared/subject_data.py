"""Everything that a service holds on one person (GDPR articles 15 and 20), found by its own tables.

A table with a column `customer_id` or `subject` belongs to it, the customers themselves do, and so does
one whose rows hang on such a table by a foreign key: nobody can forget one. What is found in another
way (a login) a service names in `Place`s of its own. Secrets stay secret: a sealed value, a salt, a
digest says nothing of the person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.sealing import SEALED

# Of the plumbing, with nothing of a person in it.
SECRET = frozenset(
    {"salt", "detail_digest", "digest", "hash", "fingerprint", "password_hash", "sealed"}
)
SEALED_SHOWN = "[sealed]"
# The extension of an application that says what its tables do not tell by themselves: its `Place`s.
PLACES = "tenure.subject_places"


@dataclass(frozen=True)
class Place:
    """Rows `t` of a table that are of the person `:id`."""

    table: str
    condition: str


_DIRECT = text(
    "SELECT c.table_name, c.column_name FROM information_schema.columns c"
    " JOIN information_schema.tables t USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND udt_name = 'uuid'"
    " AND (column_name IN ('customer_id', 'subject')"
    "  OR column_name = 'id' AND table_name IN ('customer', 'customer_fact')) ORDER BY 1, 2"
)
_HANGING = text(
    "SELECT k.conrelid::regclass::text AS child, a.attname AS own,"
    " k.confrelid::regclass::text AS parent, p.attname AS theirs FROM pg_constraint k"
    " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
    " JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]"
    " WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1"
    " AND k.connamespace = 'public'::regnamespace ORDER BY 1, 2"
)


def places(session: Session, own: Sequence[Place] = ()) -> list[Place]:
    """Every table that may hold something of a person, each once."""
    found: dict[str, list[str]] = {place.table: [place.condition] for place in own}
    direct: dict[str, str] = {}
    for row in session.execute(_DIRECT):
        direct[row.table_name] = row.column_name
        found.setdefault(row.table_name, []).append(f't."{row.column_name}" = :id')
    for row in session.execute(_HANGING).all():
        if row.child not in direct and row.parent in direct:
            found.setdefault(row.child, []).append(
                f't."{row.own}" IN (SELECT p."{row.theirs}" FROM "{row.parent}" p'
                f' WHERE p."{direct[row.parent]}" = :id)'
            )
    return [Place(table, " OR ".join(ways)) for table, ways in sorted(found.items())]


def held(
    session: Session, customer_id: UUID, own: Sequence[Place] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, row) of everything, secrets left out; read row by row, however much there is."""
    for place in places(session, own):
        rows = session.execute(
            text(f'SELECT to_jsonb(t)::text FROM "{place.table}" t WHERE {place.condition}'),
            {"id": customer_id},
            execution_options={"yield_per": 500},
        )
        for (row,) in rows:
            # Amounts as their digits: a float would round them.
            yield place.table, shown(json.loads(row, parse_float=str))


def shown(value: Any) -> Any:
    """A value without secrets, however deep they lie."""
    if isinstance(value, dict):
        return {name: shown(inner) for name, inner in value.items() if name not in SECRET}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return SEALED_SHOWN if isinstance(value, str) and SEALED.fullmatch(value) else value
