"""Payments by filter and search, fast at 20 million rows (E13-E19).

A search looks for customers first (one million, trigrams) and for references, then for the payments of
what it found: so a rare name reads a few index pages. A search that finds more than `CANDIDATES` is
dense, and a walk along the list meets 25 matches soon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from sqlalchemy import (
    Select,
    and_,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from payments.persistence.tables import customer_fact, payment
from shared.arrays import among
from shared.database import Scope

# 1,000 customers have about 20,000 payments: sorted in some 20 ms.
CANDIDATES = 1000
# What takes longer to add up is an export's work: its manifest has the sum.
SUMMED_WITHIN = "3s"
EQUAL = ("operator_id", "method", "status", "customer_id", "gateway")
SORTABLE = {
    "recorded_at": payment.c.recorded_at,
    "paid_at": payment.c.paid_at,
    "amount": payment.c.amount,
}
# pg_trgm has no trigram of less: a shorter text is compared whole with references.
TRIGRAM = 3
# Six trigrams of digits are shared by few.
_NUMBER = re.compile(r"(?<=.)[0-9]{5,8}$", re.ASCII)


@dataclass(frozen=True)
class Matches:
    """What a search found; `dense` when it is more than is worth naming."""

    q: str
    customers: Sequence[UUID]
    payments: Sequence[UUID]
    dense: bool


def _reference_like(q: str) -> ColumnElement[bool]:
    folded = func.lower(payment.c.transaction_reference)
    named = folded.contains(q, autoescape=True) if len(q) >= TRIGRAM else folded == q
    # A receipt is looked for by its whole number.
    return or_(named, payment.c.receipt_number.in_([q, q.upper()]))


def _customer_like(q: str) -> ColumnElement[bool]:
    """Logins and phones differ at their end: the index is asked for that alone, since it would read
    through everybody for what all of them begin with."""
    whole = customer_fact.c.search.contains(q, autoescape=True)
    end = _NUMBER.search(q)
    if end is None:
        return whole
    # Not the bare column, or the index would be asked for it.
    unindexed = customer_fact.c.search.concat("").contains(q, autoescape=True)
    return and_(customer_fact.c.search.contains(end[0]), unindexed)


def steady(session: Session) -> None:
    """Before a search: a plan for what is looked for, since one for any text would not ask the
    trigrams; and no workers, which take longer to start than 25 matches take to be met."""
    session.execute(_STEADY)


_STEADY = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)


def search(session: Session, scope: Scope, wanted: str) -> Matches:
    """Ids in the caller's branch that match; the rows themselves are read under row-level security.

    `session` acts as the service: trigram indexes are closed to a role under row-level security,
    since LIKE is not leakproof.
    """
    q = wanted.strip().lower()
    steady(session)
    named = select(customer_fact.c.id).where(
        _customer_like(q), scope.covers(customer_fact.c.operator_path)
    )
    referred = select(payment.c.id).where(_reference_like(q), scope.covers(payment.c.operator_path))
    first, second = (
        query.add_columns(literal_column(f"'{kind}'").label("kind"))
        .limit(CANDIDATES + 1)
        .subquery()
        for query, kind in ((named, "customer"), (referred, "payment"))
    )
    rows = session.execute(union_all(select(first), select(second))).all()
    customers, payments = (
        [row.id for row in rows if row.kind == kind] for kind in ("customer", "payment")
    )
    return Matches(q, customers, payments, len(rows) > CANDIDATES)


def matching(q: str) -> ColumnElement[bool]:
    """The search as one condition, for what reads the whole list anyway: exports (E23)."""
    folded = q.strip().lower()
    return or_(customer_fact.c.search.contains(folded, autoescape=True), _reference_like(folded))


def _matching(found: Matches) -> ColumnElement[bool]:
    if found.dense:
        return matching(found.q)
    named = ((payment.c.customer_id, found.customers), (payment.c.id, found.payments))
    return or_(false(), *(among(column, ids) for column, ids in named if ids))


def conditions(scope: Scope, filters: Mapping[str, Any]) -> ColumnElement[bool]:
    """The caller's branch and E13-E15; `from` is included, `to` is not."""
    chosen: list[ColumnElement[bool]] = [scope.covers(payment.c.operator_path)]
    if filters.get("from") is not None:
        chosen.append(payment.c.recorded_at >= filters["from"])
    if filters.get("to") is not None:
        chosen.append(payment.c.recorded_at < filters["to"])
    chosen += [payment.c[name] == filters[name] for name in EQUAL if filters.get(name) is not None]
    return and_(*chosen)


def is_of_several(filters: Mapping[str, Any]) -> bool:
    """Whether a page is planned for its own values: which of several filters is the rare one, only they
    tell. A single one has an index in the order of the list; a customer has few payments."""
    span = filters.get("from") is not None or filters.get("to") is not None
    chosen = sum(filters.get(name) is not None for name in EQUAL) + span
    return chosen > 1 and filters.get("customer_id") is None


# Made once: putting it together takes as long as reading a page does.
_LISTED = select(
    *(column for column in payment.c if column.name not in ("operator_path", "allocated")),
    customer_fact.c.name.label("customer_name"),
    customer_fact.c.username,
).join_from(payment, customer_fact, customer_fact.c.id == payment.c.customer_id)


def listed(scope: Scope, filters: Mapping[str, Any], found: Matches | None) -> Select[Any]:
    """The rows of the payments log (E5-E12)."""
    query = _LISTED.where(conditions(scope, filters))
    return query if found is None else query.where(_matching(found))


def named(session: Session, scope: Scope, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Rows of the payments log by their ids, as far as they are in the caller's branch."""
    query = listed(scope, {}, Matches("", [], ids, dense=False))
    return {row.id: row for row in session.execute(query)}


def totals(scope: Scope, filters: Mapping[str, Any], found: Matches | None) -> Select[Any]:
    """Sums over the filter by method and currency; void payments count nowhere."""
    query = select(
        payment.c.method,
        payment.c.currency,
        func.count().label("payments"),
        func.sum(payment.c.amount).label("amount"),
        func.sum(payment.c.refunded).label("refunded"),
    ).where(conditions(scope, filters), payment.c.status != "voided")
    if found is not None:
        if found.dense:
            query = query.join(customer_fact, customer_fact.c.id == payment.c.customer_id)
        query = query.where(_matching(found))
    return query.group_by(payment.c.method, payment.c.currency).order_by(
        payment.c.method, payment.c.currency
    )


def summed(session: Session, query: Select[Any]) -> Sequence[Any] | None:
    """The sums; None when they take longer than anybody waits for them. The transaction is over then."""
    session.execute(
        text("SELECT set_config('statement_timeout', :most, true)"), {"most": SUMMED_WITHIN}
    )
    try:
        return session.execute(query).all()
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            return None
        raise


def collections(
    scope: Scope, filters: Mapping[str, Any], by: Sequence[str], time_zone: str
) -> Select[Any]:
    """Sums by any of day, method and operator, over an index alone."""
    groups: dict[str, list[ColumnElement[Any]]] = {
        "day": [func.date(func.timezone(time_zone, payment.c.recorded_at)).label("day")],
        "method": [payment.c.method],
        "operator": [payment.c.operator_id, payment.c.operator_name],
    }
    chosen = [column for name in by for column in groups[name]]
    return (
        select(
            *chosen,
            payment.c.currency,
            func.count().label("payments"),
            func.sum(payment.c.amount).label("amount"),
            func.sum(payment.c.refunded).label("refunded"),
        )
        .where(conditions(scope, filters), payment.c.status != "voided")
        .group_by(*chosen, payment.c.currency)
        .order_by(*chosen, payment.c.currency)
    )


def search_customers(session: Session, scope: Scope, wanted: str) -> Sequence[UUID]:
    """The first `CANDIDATES` customers of the caller's branch that match; for lists of their bills."""
    q = wanted.strip().lower()
    steady(session)
    named = select(customer_fact.c.id).where(
        _customer_like(q), scope.covers(customer_fact.c.operator_path)
    )
    return session.scalars(named.limit(CANDIDATES)).all()
