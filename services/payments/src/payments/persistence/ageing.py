"""What is owed by how long it has been due, and collections from the sums of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, case, func, select, text
from sqlalchemy.orm import Session

from payments.persistence.summed import summed_days
from payments.persistence.tables import bill, customer_fact
from shared.database import Scope


def ageing(scope: Scope, by: str) -> Select[Any]:
    """Unpaid bills by days past due: a walk over the index of the unpaid."""
    days = func.date_part("day", func.now() - bill.c.due_at)
    ages = {bill.c.due_at > func.now(): "not_due", days <= 30: "1-30", days <= 60: "31-60",
            days <= 90: "61-90"}  # fmt: skip
    age = case(*ages.items(), else_="91+").label("age")
    # As text what is not due would come last.
    place = case(*((told, n) for n, told in enumerate(ages)), else_=len(ages))
    shown: list[Any] = [age, bill.c.currency]
    query_from = bill
    if by == "operator":
        shown += [customer_fact.c.operator_id, customer_fact.c.operator_name]
        query_from = bill.join(customer_fact, customer_fact.c.id == bill.c.customer_id)  # type: ignore[assignment]
    return (
        select(
            *shown,
            func.count().label("bills"),
            func.count(bill.c.customer_id.distinct()).label("customers"),
            func.sum(bill.c.total - bill.c.paid).label("unpaid"),
        )
        .select_from(query_from)
        .where(
            scope.covers(bill.c.operator_path),
            bill.c.status.in_(["open", "partly_paid", "overdue"]),
        )
        .group_by(place, *shown)
        .order_by(place, *shown)
    )


# Days of the sums, and the payments themselves of days that are not summed up (any more) or not whole.
_PARTS = (
    "SELECT day, operator_id, operator_name, method, currency, payments, amount, refunded"
    " FROM collection_day s WHERE s.day >= :first AND s.day <= :last"
    " AND NOT EXISTS (SELECT FROM collection_dirty d WHERE d.day = s.day){also}"
    " UNION ALL SELECT (p.recorded_at AT TIME ZONE :zone)::date, p.operator_id, p.operator_name,"
    " p.method, p.currency, 1, p.amount, p.refunded FROM payment p WHERE p.status <> 'voided'"
    " AND p.recorded_at >= :begin AND p.recorded_at < :summed{also}"
    " UNION ALL SELECT (p.recorded_at AT TIME ZONE :zone)::date, p.operator_id, p.operator_name,"
    " p.method, p.currency, 1, p.amount, p.refunded FROM payment p WHERE p.status <> 'voided'"
    " AND p.recorded_at >= :after AND p.recorded_at < :end{also}"
    " UNION ALL SELECT d.day, p.operator_id, p.operator_name, p.method, p.currency, 1, p.amount,"
    " p.refunded FROM collection_dirty d JOIN payment p ON p.status <> 'voided'"
    " AND p.recorded_at >= CAST(d.day AS timestamp) AT TIME ZONE :zone"
    " AND p.recorded_at < CAST(d.day + 1 AS timestamp) AT TIME ZONE :zone"
    " WHERE d.day >= :first AND d.day <= :last{also}"
)
_SHOWN = {"day": ("day",), "method": ("method",), "operator": ("operator_id", "operator_name")}
_KNOWN = ("method", "operator_id", "gateway", "status")
BEGINNING, END = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def collected(
    session: Session, scope: Scope, filters: Mapping[str, Any], by: Sequence[str], zone: str
) -> list[Any] | None:
    """Sums by any of day, method and operator; None when the sums of days can't answer: they know
    methods, operators, gateways and statuses, and nothing else."""
    given = {name: filters[name] for name in _KNOWN if filters.get(name) is not None}
    rest = {name for name, value in filters.items() if value is not None} - set(given)
    if rest - {"from", "to", "by"}:
        return None
    begin, end = filters.get("from") or BEGINNING, filters.get("to") or END
    span = summed_days(session, begin, end, zone)
    if span is None:
        return None
    also = "".join(f" AND {name} = :{name}" for name in given)
    if scope.path is not None:
        also += " AND operator_path >= :lo AND operator_path < :hi"
        given |= {"lo": scope.path, "hi": scope.end}
    shown = ", ".join(name for part in by for name in _SHOWN[part])
    lead = f"{shown}, " if shown else ""
    sql = (
        f"SELECT {lead}currency, sum(payments)::bigint AS payments, sum(amount) AS amount,"
        f" sum(refunded) AS refunded FROM ({_PARTS.format(also=also)}) c"
        f" GROUP BY {lead}currency ORDER BY {lead}currency"
    )
    return list(session.execute(text(sql), {**given, **span, "zone": zone}))
