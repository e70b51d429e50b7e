"""The search of the lists: whom a text means, tolerant of typing errors, fast at a million customers.

Who fits is looked up first (`persistence.matching`), as the service and within the caller's branch: trigram
indexes are closed to a role under row-level security, since LIKE is not leakproof. The rows themselves are
read under it. What fits many of the latest is dense: the walk along the list meets a page of matches soon.

When nobody fits exactly, those who nearly do are found (A19, B4): for people to look at. What acts on all
that a search finds (bulk work, exports) takes the exact ones only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from sqlalchemy import Integer, Text, and_, any_, cast, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers.identities import readings
from customers.persistence import customers, matching, tables
from customers.persistence.matching import State
from shared.arrays import Array, array
from shared.database import Database, Scope

c = tables.customer.c
# Sorted in a few milliseconds; a walk for a page of what is commoner passes about 25,000 rows.
CANDIDATES = 1000
# Two letters exchanged in a name of five leave half of its trigrams.
NEAR = 0.5
NEAREST, LOOKED_AT = 50, 200
PIECES = 4
# A shorter text has too few trigrams to be near to anything but by chance.
SHORTEST = 5


@dataclass(frozen=True)
class Found:
    """`approximate`: nobody fits exactly, these nearly do. `among`: the first of so many who fit."""

    condition: ColumnElement[bool]
    approximate: bool = False
    among: int | None = None


def find(database: Database, scope: Scope, state: State, q: str, first: int | None = None) -> Found:
    """Whom of the caller's branch the text means; or the `first` of them in the order of the list, the
    latest before the others, for one who asks for no more."""
    meant = readings(q)
    most = CANDIDATES + 1
    with database.connection() as connection:
        met = matching.look_up(
            connection, scope, state, meant, most=most, first=most if first is None else first
        )
    if met.dense:
        return Found(customers.search_common(meant))
    if met.many > CANDIDATES:
        return Found(matches(q))
    if met.many or not _has_letters(q):
        cut = first is not None and met.many > first
        return Found(_one_of(met.ids), among=met.many if cut else None)
    # How near is near enough is set for a transaction.
    with database.transaction() as session:
        near = _near(session, scope, state, q)
    return Found(_one_of(array(near)), approximate=True)


def _one_of(listed: Array) -> ColumnElement[bool]:
    """As one value, written as PostgreSQL does: a thousand parameters take longer than the query.

    Within ARRAY(SELECT …), whose length the planner does not see: for a thousand it walks along the list
    and reads 25,000 rows, where a thousand by their key take a tenth of the time.
    """
    unseen = select(func.unnest(cast(literal(listed, Text), ARRAY(c.id.type)))).scalar_subquery()
    return c.id == any_(func.array(unseen, type_=ARRAY(c.id.type)))


def matches(q: str) -> ColumnElement[bool]:
    """The search as one condition, for what reads the whole list anyway."""
    return customers.search(readings(q))


def _has_letters(q: str) -> bool:
    return len(q.strip()) >= SHORTEST and any(letter.isalpha() for letter in q)


def _near(session: Session, scope: Scope, state: State, q: str) -> Sequence[UUID]:
    """Those most alike, of `LOOKED_AT` that have something in common with the text.

    Comparing costs 50 µs a row, so it is not done for all that an index of trigrams offers.
    """
    wanted = q.strip().lower()
    here = [c.state == state, scope.covers(c.operator_path)]
    kept = customers.SEARCH.label("kept")
    if len(wanted) < PIECES * matching.TRIGRAM:
        session.execute(text(f"SET LOCAL pg_trgm.word_similarity_threshold = {NEAR}"))
        # Word similarity: the text against the best piece of what is kept.
        chosen = select(c.id, kept).where(*here, literal(wanted).op("<%")(customers.SEARCH))
    else:
        pieces = [customers.SEARCH.contains(one, autoescape=True) for one in _pieces(wanted)]
        pairs = or_(*(and_(*pair) for pair in combinations(pieces, 2)))
        fitting = sum((cast(piece, Integer) for piece in pieces), start=literal(0))
        chosen = select(c.id, kept).where(*here, pairs).order_by(fitting.desc())
    near = chosen.limit(LOOKED_AT).subquery("near")
    alike = func.word_similarity(wanted, near.c.kept)
    query = select(near.c.id).where(alike >= NEAR).order_by(alike.desc()).limit(NEAREST)
    return session.scalars(query).all()


def _pieces(wanted: str) -> list[str]:
    """Four of them: one typing error spoils two at the most, when it stands where they meet."""
    length = len(wanted)
    return [
        wanted[length * place // PIECES : length * (place + 1) // PIECES] for place in range(PIECES)
    ]
