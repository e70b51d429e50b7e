"""What bills charged for the state, month by month, as the ledger has it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Scope

_ROLLED = text("SELECT until FROM collection_rolled WHERE time_zone = :zone")
_LEDGER = (
    "SELECT to_char(t.recorded_at AT TIME ZONE :zone, 'YYYY-MM'), t.currency,"
    " greatest(-e.amount, 0), greatest(e.amount, 0)"
    " FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'tax'"
    " JOIN account a ON a.customer_id = t.customer_id"
    " WHERE a.operator_path >= :low AND a.operator_path < :high AND t.recorded_at >= {}"
    " AND t.recorded_at < {}"
)
# By the day of booking: a month that was declared never changes afterwards.
_BY_MONTH = text(
    "SELECT month, currency, sum(charged) AS charged, sum(taken_back) AS taken_back FROM ("
    " SELECT to_char(day, 'YYYY-MM') AS month, currency, charged, taken_back FROM tax_day"
    " WHERE day >= :first AND day <= :last AND operator_path >= :low AND operator_path < :high"
    " UNION ALL " + _LEDGER.format(":begin", ":summed") + " UNION ALL "
    + _LEDGER.format(":after", ":end") + ") AS booked GROUP BY 1, 2 ORDER BY 1, 2"
)  # fmt: skip
DAY = timedelta(days=1)


def by_month(
    session: Session, scope: Scope, begin: datetime, end: datetime, zone: str
) -> list[Any]:
    """month, currency, `charged` by bills, `taken_back` by void bills and credit notes.

    Whole days that are summed up are read there, what is left at both ends in the ledger.
    """
    place = ZoneInfo(zone)
    first = (begin.astimezone(place) - timedelta(microseconds=1)).date() + DAY
    last = end.astimezone(place).date() - DAY
    until: date | None = session.scalar(_ROLLED, {"zone": zone})
    last = first - DAY if until is None else min(last, until)
    summed, after = (datetime.combine(day, time(), place) for day in (first, last + DAY))
    if first > last:
        summed = after = end
    low, high = ("", "~") if scope.path is None else (scope.path, scope.end)
    given = {"begin": begin, "end": end, "first": first, "last": last, "summed": summed,
             "after": after, "low": low, "high": high, "zone": zone}  # fmt: skip
    return list(session.execute(_BY_MONTH, given))
