"""Payments in the books whose money no statement has shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Scope

# In the order of the index, which holds all that is read: neither a payment is fetched nor anything
# sorted, however many there are. Grouping by age would sort them all.
_BY_AGE = (
    "SELECT g.method, g.currency, a.age_days, a.payments, a.amount FROM (SELECT method, currency,"
    " count(*) FILTER (WHERE paid_at >= :week) AS n1,"
    " sum(amount - refunded) FILTER (WHERE paid_at >= :week) AS s1,"
    " count(*) FILTER (WHERE paid_at >= :month AND paid_at < :week) AS n2,"
    " sum(amount - refunded) FILTER (WHERE paid_at >= :month AND paid_at < :week) AS s2,"
    " count(*) FILTER (WHERE paid_at >= :quarter AND paid_at < :month) AS n3,"
    " sum(amount - refunded) FILTER (WHERE paid_at >= :quarter AND paid_at < :month) AS s3,"
    " count(*) FILTER (WHERE paid_at < :quarter) AS n4,"
    " sum(amount - refunded) FILTER (WHERE paid_at < :quarter) AS s4 FROM payment"
    " WHERE settled_at IS NULL AND status <> 'voided' AND method <> 'cash'"
    " AND method <> 'recharge_card'{scope} GROUP BY method, currency) g CROSS JOIN LATERAL"
    " (VALUES (1, '0-7', n1, s1), (2, '8-30', n2, s2), (3, '31-90', n3, s3), (4, '91+', n4, s4))"
    " AS a(place, age_days, payments, amount) WHERE a.payments > 0 ORDER BY 1, 2, a.place"
)
_ALL = text(_BY_AGE.format(scope=""))
_BRANCH = text(_BY_AGE.format(scope=" AND operator_path >= :lo AND operator_path < :hi"))


def by_age(session: Session, scope: Scope, now: datetime, zone: str) -> Sequence[Any]:
    """Their numbers and sums by method and by days since they were paid, in the ISP's calendar."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    given: dict[str, Any] = {
        name: datetime.combine(today - timedelta(days=days), time(), place)
        for name, days in (("week", 7), ("month", 30), ("quarter", 90))
    }
    if scope.path is None:
        return session.execute(_ALL, given).all()
    return session.execute(_BRANCH, given | {"lo": scope.path, "hi": scope.end}).all()
