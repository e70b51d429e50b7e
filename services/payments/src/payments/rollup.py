"""Sums by day, made once a day is over: of payments, again when one of them changes, and of taxes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# A payment carries the time at which its transaction began: an hour is far above the longest.
SETTLED_AFTER = "1 hour"
# Days summed up in one transaction: a year of 20 million payments is 55,000 a day.
DAYS = 30

_ROLLED = text(
    "INSERT INTO collection_rolled (time_zone, until) SELECT :zone, coalesce("
    " (SELECT (least((SELECT min(recorded_at) FROM payment),"
    " (SELECT min(recorded_at) FROM ledger_transaction)) AT TIME ZONE :zone)::date),"
    " (now() AT TIME ZONE :zone)::date) - 1 ON CONFLICT DO NOTHING"
)
_ANOTHER_ZONE = text(
    "WITH gone AS (DELETE FROM collection_rolled WHERE time_zone <> :zone RETURNING 1),"
    " taxes AS (DELETE FROM tax_day WHERE EXISTS (SELECT FROM gone))"
    " DELETE FROM collection_day WHERE EXISTS (SELECT FROM gone)"
)
_SUM = text(
    "INSERT INTO collection_day (day, operator_path, operator_id, operator_name, method, currency,"
    " gateway, status, payments, amount, refunded) SELECT d.day, p.operator_path, p.operator_id,"
    " p.operator_name, p.method, p.currency, p.gateway, p.status, count(*), sum(p.amount),"
    " sum(p.refunded)"
    " FROM unnest(CAST(:days AS date[])) AS d(day) JOIN payment p ON p.status <> 'voided'"
    " AND p.recorded_at >= CAST(d.day AS timestamp) AT TIME ZONE :zone"
    " AND p.recorded_at < CAST(d.day + 1 AS timestamp) AT TIME ZONE :zone"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
)
# The ledger is only added to: a day that is over is summed up once. One span for all of the days, which
# follow one another: how many rows a join with each day finds nobody can tell, and all taxes were read.
_SUM_TAXES = text(
    "INSERT INTO tax_day (day, operator_path, currency, charged, taken_back)"
    " SELECT (e.taxed_at AT TIME ZONE :zone)::date, a.operator_path, a.currency,"
    " -coalesce(sum(e.amount) FILTER (WHERE e.amount < 0), 0),"
    " coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)"
    " FROM ledger_entry e JOIN account a ON a.customer_id = e.customer_id WHERE e.account = 'tax'"
    " AND e.taxed_at >= CAST(CAST(:first AS date) AS timestamp) AT TIME ZONE :zone"
    " AND e.taxed_at < CAST(CAST(:last AS date) + 1 AS timestamp) AT TIME ZONE :zone"
    " GROUP BY 1, 2, 3 ON CONFLICT DO NOTHING"
)
_NEW = text(
    "WITH r AS (SELECT until FROM collection_rolled FOR UPDATE), fresh AS (SELECT least(r.until"
    f" + {DAYS}, ((now() - interval '{SETTLED_AFTER}') AT TIME ZONE :zone)::date - 1) AS last FROM r)"
    " SELECT d::date FROM r, fresh, generate_series(r.until + 1, fresh.last, interval '1 day') AS d"
)


def roll(session: Session, time_zone: str) -> int:
    """Sum up the days that are over, and those that changed; how many. Call again until 0."""
    session.execute(text("SET LOCAL statement_timeout = '10min'"))
    session.execute(_ANOTHER_ZONE, {"zone": time_zone})
    session.execute(_ROLLED, {"zone": time_zone})
    new = list(session.scalars(_NEW, {"zone": time_zone}))
    if new:
        session.execute(text("UPDATE collection_rolled SET until = :last"), {"last": max(new)})
        session.execute(_SUM_TAXES, {"first": min(new), "last": max(new), "zone": time_zone})
    changed = list(
        session.scalars(
            text("SELECT day FROM collection_dirty ORDER BY day LIMIT :most FOR UPDATE"),
            {"most": DAYS},
        )
    )
    days = sorted({*new, *changed})
    if days:
        _sum_up(session, days, time_zone)
    return len(days)


def _sum_up(session: Session, days: list[date], time_zone: str) -> None:
    given: dict[str, Any] = {"days": days, "zone": time_zone}
    session.execute(text("DELETE FROM collection_day WHERE day = ANY(:days)"), {"days": days})
    session.execute(_SUM, given)
    session.execute(text("DELETE FROM collection_dirty WHERE day = ANY(:days)"), {"days": days})
