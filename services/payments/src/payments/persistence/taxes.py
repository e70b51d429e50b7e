"""What bills charged for the state, month by month, as the ledger has it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.persistence.summed import summed_days
from shared.database import Scope

# Sums of months first: the name of a month for each of a million taxes takes longer than all the rest.
_LEDGER = (
    "SELECT to_char(month, 'YYYY-MM'), currency, charged, taken_back FROM ("
    " SELECT date_trunc('month', e.taxed_at, :zone) AT TIME ZONE :zone AS month, a.currency,"
    " -coalesce(sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS charged,"
    " coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS taken_back"
    " FROM ledger_entry e JOIN account a ON a.customer_id = e.customer_id"
    " WHERE e.account = 'tax' AND e.taxed_at >= {} AND e.taxed_at < {}"
    " AND a.operator_path >= :low AND a.operator_path < :high GROUP BY 1, 2) AS read"
)
# By the day of booking: a month that was declared never changes afterwards.
BY_MONTH = text(
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
    return list(session.execute(BY_MONTH, {**span, "low": low, "high": high, "zone": zone}))
