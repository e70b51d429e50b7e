"""What an erasure's search for leftovers looks for.

The needles (number, logins, e-mail, phones, names, past ones too) are collected before anything is
removed, in the transaction that removes, and must survive the crash of a process: they lie sealed in
`erasure_needle` until the certificate is written, and go in that transaction.

A needle that somebody else alive, or an operator, uses too says nothing about the erased: it is left
out and counted. Needles are compared as whole words; names, which are several words, as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import traces
from shared.sealing import seal, unseal
from shared.traces import EDGES, SHORTEST

FIELDS = ("customer_number", "username", "email", "phone", "name", "address", "static_address")

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
class Needles(traces.Needles):
    """`subjects`: how many are erased."""

    subjects: int = 1

    @property
    def all(self) -> frozenset[str]:
        return self.words | self.phrases


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
    telling = {one for one in words | phrases if len(one) >= SHORTEST}
    used = _used(session, telling)
    return Needles(
        frozenset(words & telling - used), frozenset(phrases & telling - used), len(used), len(rows)
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


def forget(session: Session, erasure_id: UUID) -> None:
    """The needles go with the certificate."""
    session.execute(text("DELETE FROM erasure_needle WHERE erasure_id = :id"), {"id": erasure_id})
