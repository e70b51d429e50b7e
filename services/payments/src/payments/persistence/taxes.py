"""What bills charged for the state, month by month, as the ledger has it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.persistence.summed import summed_days
from shared.database import Scope

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
NOTHING_SUMMED = {"first": date.max, "last": date.min}


def by_month(
    session: Session, scope: Scope, begin: datetime, end: datetime, zone: str
) -> list[Any]:
    """month, currency, `charged` by bills, `taken_back` by void bills and credit notes.

    Whole days that are summed up are read there, what is left at both ends in the ledger.
    """
    span = summed_days(session, begin, end, zone)
    if span is None:
        span = {"begin": begin, "summed": end, "after": end, "end": end, **NOTHING_SUMMED}
    low, high = ("", "~") if scope.path is None else (scope.path, scope.end)
    return list(session.execute(_BY_MONTH, {**span, "low": low, "high": high, "zone": zone}))
