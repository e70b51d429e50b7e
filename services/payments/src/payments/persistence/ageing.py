"""What is owed by how long it has been due, and collections from the sums of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.persistence.summed import summed_days
from shared.database import Scope, afresh

# In the order of the index of the unpaid, which holds all that is read: nothing is sorted. A customer's
# bills come one after the other, so that the first of each age counts the customer. Whose customers they
# are stands in the path, and is looked up at the end. The ends of the ages are subqueries, reckoned once:
# taking days from a time for each of a million bills took as long as all the rest.
_AGEING = (
    "WITH unpaid AS (SELECT customer_id, operator_path, currency, due_at, total - paid AS rest,"
    " CASE WHEN due_at > (SELECT now()) THEN 1"
    " WHEN due_at > (SELECT now() - interval '31 days') THEN 2"
    " WHEN due_at > (SELECT now() - interval '61 days') THEN 3"
    " WHEN due_at > (SELECT now() - interval '91 days') THEN 4 ELSE 5 END AS place"
    " FROM bill WHERE status IN ('open', 'partly_paid', 'overdue'){scope}),"
    " owing AS (SELECT operator_path, currency, place, rest, lag(place) OVER (PARTITION BY customer_id"
    " ORDER BY due_at) IS DISTINCT FROM place AS another FROM unpaid),"
    " aged AS (SELECT {path} AS path, place, currency, count(*) AS bills,"
    " count(*) FILTER (WHERE another) AS customers, sum(rest) AS unpaid FROM owing GROUP BY 1, 2, 3)"
    " SELECT (ARRAY['not_due', '1-30', '31-60', '61-90', '91+'])[place] AS age, currency{who},"
    " bills, customers, unpaid FROM aged{whose} ORDER BY place, currency{who}"
)
_WHO = ", operator_id, operator_name"
_WHOSE = (
    " LEFT JOIN LATERAL (SELECT operator_id, operator_name FROM customer_fact f"
    " WHERE f.operator_path = aged.path LIMIT 1) f ON true"
)


def ageing(session: Session, scope: Scope, by: str) -> Sequence[Any]:
    """Unpaid bills by days past due, and of whose customers when asked for by operator."""
    branch, given = "", {}
    if scope.path is not None:
        branch = " AND operator_path >= :lo AND operator_path < :hi"
        given = {"lo": scope.path, "hi": scope.end}
    who, whose, path = (_WHO, _WHOSE, "operator_path") if by == "operator" else ("", "", "''")
    sql = _AGEING.format(scope=branch, who=who, whose=whose, path=path)
    return session.execute(text(sql), given).all()


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
# 5 MB and most of a second: what is longer nobody reads, and a thousand operators over years are millions.
MOST_LINES = 20_000
_KNOWN = ("method", "operator_id", "gateway", "status")
BEGINNING, END = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def collected(
    session: Session, scope: Scope, filters: Mapping[str, Any], by: Sequence[str], zone: str
) -> list[Any] | None:
    """Sums by any of day, method and operator, at most one line above `MOST_LINES`.

    None when the sums of days can't answer: they know methods, operators, gateways and statuses.
    """
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
        f" GROUP BY {lead}currency ORDER BY {lead}currency LIMIT {MOST_LINES + 1}"
    )
    # Planned for any days, a month of a branch took 140 ms at 20 million payments; for its own, 5 ms.
    with afresh(session):
        return list(session.execute(text(sql), {**given, **span, "zone": zone}))
