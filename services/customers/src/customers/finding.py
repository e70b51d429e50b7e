"""The search of the lists: whom a text means, tolerant of typing errors, fast at a million customers.

What fits many of the latest is dense: the walk along the list meets a page of matches soon. Else who fits
is looked up first, as the service and within the caller's branch: trigram indexes are closed to a role
under row-level security, since LIKE is not leakproof. The rows themselves are read under it.

When nobody fits exactly, those who nearly do are found (A19, B4): for people to look at. What acts on all
that a search finds (bulk work, exports) takes the exact ones only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal
from uuid import UUID

from sqlalchemy import Integer, Text, and_, any_, cast, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers.identities import searched_phone
from customers.persistence import customers, tables
from shared.database import Database, Scope

c = tables.customer.c
State = Literal["alive", "deleted"]
# A page of 25 is met within some thousand rows when one in forty of this many fits.
SAMPLE, DENSE = 500, 12
# Sorted in a few milliseconds; a walk for a page of what is commoner passes about 25,000 rows.
CANDIDATES = 1000
# Two letters exchanged in a name of five leave half of its trigrams.
NEAR = 0.5
NEAREST, LOOKED_AT = 50, 200
PIECES, TRIGRAM = 4, 3
# A shorter text has too few trigrams to be near to anything but by chance.
SHORTEST = 5


@dataclass(frozen=True)
class Found:
    """`approximate`: nobody fits exactly, these nearly do."""

    condition: ColumnElement[bool]
    approximate: bool = False


def find(database: Database, scope: Scope, state: State, q: str) -> Found:
    """Whom of the caller's branch the text means."""
    exact = matches(q)
    with database.reading() as session:
        if len(q) >= TRIGRAM and _is_dense(session, scope, state, exact):
            return Found(customers.search_common(q, searched_phone(q)))
        ids = _first(session, scope, state, exact, CANDIDATES + 1)
        if len(ids) > CANDIDATES:
            return Found(exact)
        if ids or not _has_letters(q):
            return Found(_one_of(ids))
    # How near is near enough is set for a transaction.
    with database.transaction() as session:
        return Found(_one_of(_near(session, scope, state, q)), approximate=True)


def _one_of(ids: Sequence[UUID]) -> ColumnElement[bool]:
    """As one value: a thousand parameters take longer than the query.

    Within ARRAY(SELECT …), whose length the planner does not see: for a thousand it walks along the list
    and reads 25,000 rows, where a thousand by their key take a tenth of the time.
    """
    listed = f"{{{','.join(map(str, ids))}}}"
    unseen = select(func.unnest(cast(literal(listed, Text), ARRAY(c.id.type)))).scalar_subquery()
    return c.id == any_(func.array(unseen, type_=ARRAY(c.id.type)))


def matches(q: str) -> ColumnElement[bool]:
    """The search as one condition, for what reads the whole list anyway."""
    return customers.search(q, searched_phone(q))


def _is_dense(session: Session, scope: Scope, state: State, fits: ColumnElement[bool]) -> bool:
    """Whether many of the latest of the branch fit: read off an index of the list, in a millisecond."""
    latest = (c.created_at if state == "alive" else c.deleted_at).desc()
    order = [latest] if scope.path is None else [c.operator_path, latest]
    sample = (
        select(fits.label("fits"))
        .where(c.state == state, scope.covers(c.operator_path))
        .order_by(*order, c.id.desc())
        .limit(SAMPLE)
        .subquery("sample")
    )
    query = select(func.count()).select_from(sample).where(sample.c.fits)
    return int(session.scalar(query) or 0) >= DENSE


def _first(
    session: Session, scope: Scope, state: State, condition: ColumnElement[bool], most: int
) -> Sequence[UUID]:
    query = select(c.id).where(c.state == state, scope.covers(c.operator_path), condition)
    return session.scalars(query.limit(most)).all()


def _has_letters(q: str) -> bool:
    return len(q.strip()) >= SHORTEST and any(letter.isalpha() for letter in q)


def _near(session: Session, scope: Scope, state: State, q: str) -> Sequence[UUID]:
    """Those most alike, of `LOOKED_AT` that have something in common with the text.

    Comparing costs 50 µs a row, so it is not done for all that an index of trigrams offers.
    """
    wanted = q.strip().lower()
    here = [c.state == state, scope.covers(c.operator_path)]
    kept = customers.SEARCH.label("kept")
    if len(wanted) < PIECES * TRIGRAM:
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
