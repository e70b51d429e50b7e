"""What bills charged for the state, month by month, as the ledger has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Scope

# By the day of booking: a month that was declared never changes afterwards.
_BY_MONTH = text(
    "SELECT to_char(t.recorded_at AT TIME ZONE :zone, 'YYYY-MM') AS month, t.currency,"
    " -coalesce(sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS charged,"
    " coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS taken_back"
    " FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'tax'"
    " JOIN account a ON a.customer_id = t.customer_id WHERE t.recorded_at >= :begin"
    " AND t.recorded_at < :end AND a.operator_path >= :low AND a.operator_path < :high"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


def by_month(
    session: Session, scope: Scope, begin: datetime, end: datetime, zone: str
) -> list[Any]:
    """month, currency, `charged` by bills, `taken_back` by void bills and credit notes."""
    low, high = ("", "~") if scope.path is None else (scope.path, scope.end)
    given = {"begin": begin, "end": end, "low": low, "high": high, "zone": zone}
    return list(session.execute(_BY_MONTH, given))
