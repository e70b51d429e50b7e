"""What a text means among a million customers and twenty million payments (E17-E19).

A search looks for customers first (by trigrams) and for references, then for the payments of what it
found: so a rare name reads a few index pages. One that finds more than `CANDIDATES` is dense, and a walk
along the list meets 25 matches soon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from payments.persistence.tables import customer_fact, payment
from shared.arrays import among
from shared.database import Scope
from shared.digits import western
from shared.patterns import literally

# 1,000 customers have about 20,000 payments: sorted in some 20 ms.
CANDIDATES = 1000
# pg_trgm has no trigram of less: a shorter text is compared whole with references.
TRIGRAM = 3
# Six trigrams of digits are shared by few.
_NUMBER = re.compile(r"(?<=.)[0-9]{5,8}$", re.ASCII)
_FOLDED = func.lower(payment.c.transaction_reference)


@dataclass(frozen=True)
class Matches:
    """What a search found; `dense` when it is more than is worth naming."""

    q: str
    customers: Sequence[UUID]
    payments: Sequence[UUID]
    dense: bool

    @property
    def nothing(self) -> bool:
        return not (self.customers or self.payments)


@dataclass(frozen=True)
class _Sought:
    """A text as conditions take it: the whole, its pattern, and that of the number it ends with."""

    q: Any
    upper: Any
    part: Any
    end: Any


def _readings(wanted: str) -> list[_Sought]:
    """As it is written, and with the digits of phones, logins and references (A21): a name keeps its own."""
    q = wanted.strip().lower()
    return [_sought(text) for text in dict.fromkeys((q, western(q)))]


def _sought(q: str) -> _Sought:
    end = _NUMBER.search(q)
    return _Sought(q, q.upper(), f"%{literally(q)}%", end and f"%{end[0]}%")


def _names_customer(q: _Sought) -> ColumnElement[bool]:
    """Logins and phones differ at their end: the index is asked for that alone, since it would read
    through everybody for what all of them begin with."""
    if q.end is None:
        return customer_fact.c.search.like(q.part)
    # Not the bare column, or the index would be asked for it.
    unindexed = customer_fact.c.search.concat("").like(q.part)
    return and_(customer_fact.c.search.like(q.end), unindexed)


def _names_payment(q: _Sought, *, short: bool) -> ColumnElement[bool]:
    """A receipt is looked for by its whole number."""
    named = q.q == _FOLDED if short else _FOLDED.like(q.part)
    return or_(named, payment.c.receipt_number.in_([q.q, q.upper]))


def look_up(session: Session, scope: Scope, wanted: str) -> Matches:
    """Ids in the caller's branch that match; the rows themselves are read under row-level security.

    `session` is searching, as the service: trigram indexes are closed to a role under row-level
    security, since LIKE is not leakproof.
    """
    rows = [row for q in _readings(wanted) for row in _looked_up(session, scope, q)]
    customers, payments = (
        list(dict.fromkeys(row.id for row in rows if row.kind == kind))
        for kind in ("customer", "payment")
    )
    return Matches(wanted, customers, payments, len(customers) + len(payments) > CANDIDATES)


def _looked_up(session: Session, scope: Scope, q: _Sought) -> Sequence[Any]:
    values = asdict(q) | {"most": CANDIDATES + 1}
    if scope.path is not None:
        values |= {"lo": scope.path, "hi": scope.end}
    query = _lookup(len(q.q) < TRIGRAM, q.end is not None, scope.path is not None)
    return session.execute(query, values).all()


# There are eight: putting one together takes as long as looking up.
@lru_cache
def _lookup(short: bool, ends: bool, within: bool) -> Any:
    q = _Sought(*(bindparam(name, type_=Text()) for name in ("q", "upper", "part", "end")))
    if not ends:
        q = _Sought(q.q, q.upper, q.part, None)
    named = select(customer_fact.c.id, literal_column("'customer'").label("kind"))
    referred = select(payment.c.id, literal_column("'payment'").label("kind"))
    return union_all(
        *(
            select(_first(query, table, within).subquery())
            for query, table in (
                (named.where(_names_customer(q)), customer_fact),
                (referred.where(_names_payment(q, short=short)), payment),
            )
        )
    )


def _first(query: Select[Any], table: Any, within: bool) -> Select[Any]:
    """As many as are asked for, within a branch."""
    if within:
        path = table.c.operator_path
        query = query.where(path >= bindparam("lo"), path < bindparam("hi"))
    return query.limit(bindparam("most"))


def of_customers(
    session: Session, scope: Scope, wanted: str, whose: ColumnElement[UUID]
) -> ColumnElement[bool]:
    """What customers of the caller's branch that match have, by the column `whose`; for lists of their
    bills, which join `customer_fact`: who is of too many to be named is met along the list."""
    readings = _readings(wanted)
    named = select(customer_fact.c.id).where(
        or_(*map(_names_customer, readings)), scope.covers(customer_fact.c.operator_path)
    )
    ids = session.scalars(named.limit(CANDIDATES + 1)).all()
    if len(ids) <= CANDIDATES:
        return among(whose, ids)
    return or_(*(customer_fact.c.search.like(q.part) for q in readings))


def matching(wanted: str) -> ColumnElement[bool]:
    """The search as one condition, for what reads the whole list anyway: exports (E23), a dense walk."""
    return or_(*(
        or_(customer_fact.c.search.like(q.part), _names_payment(q, short=len(q.q) < TRIGRAM))
        for q in _readings(wanted)
    ))  # fmt: skip


def matches(found: Matches) -> ColumnElement[bool]:
    """Payments of what a search found."""
    if found.dense:
        return matching(found.q)
    named = ((payment.c.customer_id, found.customers), (payment.c.id, found.payments))
    return or_(false(), *(among(column, ids) for column, ids in named if ids))
