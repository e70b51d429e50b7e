"""Payments by filter and search, and their sums, fast at 20 million rows (E13-E19)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from sqlalchemy import (
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from payments.persistence.matching import Matches, matches
from payments.persistence.payments import ALLOCATIONS
from payments.persistence.tables import customer_fact, payment
from shared.database import Scope

# What takes longer to add up is an export's work: its manifest has the sum.
SUMMED_WITHIN = "3s"
EQUAL = ("operator_id", "method", "status", "customer_id", "gateway")
SORTABLE = {
    "recorded_at": payment.c.recorded_at,
    "paid_at": payment.c.paid_at,
    "amount": payment.c.amount,
}


# By the name of a value the column that it is compared with, and how; `to` is not included.
_COMPARED: dict[str, tuple[ColumnElement[Any], Callable[[Any, Any], Any]]] = {
    "branch": (payment.c.operator_path, operator.ge),
    "branch_end": (payment.c.operator_path, operator.lt),
    "from": (payment.c.recorded_at, operator.ge),
    "to": (payment.c.recorded_at, operator.lt),
    **{name: (payment.c[name], operator.eq) for name in EQUAL},
}


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    column, compare = _COMPARED[name]
    compared: ColumnElement[bool] = compare(column, value)
    return compared


def values_of(scope: Scope, filters: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's branch and E13-E15, by the names of `_COMPARED`."""
    branch = {} if scope.path is None else {"branch": scope.path, "branch_end": scope.end}
    chosen = {name: filters.get(name) for name in ("from", "to", *EQUAL)}
    return branch | {name: value for name, value in chosen.items() if value is not None}


def conditions(scope: Scope, filters: Mapping[str, Any]) -> ColumnElement[bool]:
    """The caller's branch and E13-E15 as a condition with its values."""
    values = values_of(scope, filters)
    return and_(true(), *(_condition(name, value) for name, value in values.items()))


def is_of_several(filters: Mapping[str, Any]) -> bool:
    """Whether a page is planned for its own values: which of several filters is the rare one, only they
    tell. A single one has an index in the order of the list; a customer has few payments."""
    span = filters.get("from") is not None or filters.get("to") is not None
    chosen = sum(filters.get(name) is not None for name in EQUAL) + span
    return chosen > 1 and filters.get("customer_id") is None


_LISTED = select(
    *(column for column in payment.c if column.name not in ("operator_path", "allocated")),
    customer_fact.c.name.label("customer_name"),
    customer_fact.c.username,
    literal_column(ALLOCATIONS, JSONB).label("allocations"),
).join_from(payment, customer_fact, customer_fact.c.id == payment.c.customer_id)


# Made once for the same filters: putting it together takes as long as reading a page does.
@lru_cache(maxsize=1000)
def _filtered(names: tuple[str, ...]) -> Select[Any]:
    return _LISTED.where(*(_condition(name, bindparam(name)) for name in names))


def listed(values: Mapping[str, Any], found: Matches | None) -> Select[Any]:
    """The rows of the payments log (E5-E12). Of filters alone: kept, with `values` as its parameters."""
    query = _filtered(tuple(values))
    return query if found is None else query.where(matches(found)).params(values)


def named(session: Session, scope: Scope, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Rows of the payments log by their ids, as far as they are in the caller's branch."""
    query = listed(values_of(scope, {}), Matches("", [], ids, dense=False))
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
        query = query.where(matches(found))
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
