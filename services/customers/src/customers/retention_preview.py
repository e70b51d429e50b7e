"""What the purge would take (A41): counted before a policy counts, by reason and operator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.billing_erasure import LEFT
from customers.retention import DAYS
from shared.database import Scope

_PREVIEW = (
    "SELECT c.deletion_reason AS reason, p.mode, c.operator_id, o.name AS operator_name,"
    " count(*) AS deleted,"
    " count(*) FILTER (WHERE due <= :until AND legal_hold IS NULL) AS would_erase,"
    " count(*) FILTER (WHERE due <= :until AND legal_hold IS NOT NULL) AS held,"
    " count(*) FILTER (WHERE due > :until) AS later, count(*) FILTER (WHERE due IS NULL) AS never,"
    " min(due) AS first_at, max(due) AS last_at,"
    " count(*) FILTER (WHERE sessions_due <= :until AND legal_hold IS NULL)"
    "  AS would_erase_sessions,"
    " count(*) FILTER (WHERE sessions_due <= :until AND legal_hold IS NOT NULL) AS sessions_held,"
    " count(*) FILTER (WHERE sessions_due > :until) AS sessions_later,"
    " count(*) FILTER (WHERE sessions_erased_before >= deleted_at) AS sessions_erased,"
    " min(sessions_due) AS sessions_first_at"
    " FROM (SELECT *, CASE WHEN :person AND :reason = deletion_reason"
    "  THEN deleted_at + CAST(:retain_days AS int) * interval '1 day' ELSE erase_after END AS due,"
    "  CASE WHEN NOT :sessions OR :reason <> deletion_reason THEN sessions_erase_after"
    "  WHEN sessions_erased_before >= deleted_at THEN NULL"
    "  ELSE deleted_at + CAST(:sessions_days AS int) * interval '1 day' END AS sessions_due"
    "  FROM customer WHERE state = 'deleted' AND (CAST(:lo AS text) IS NULL"
    "  OR operator_path >= :lo AND operator_path < :hi)) AS c"
    " JOIN operator o ON o.id = c.operator_id"
    " LEFT JOIN retention_policy p ON p.reason = c.deletion_reason"
    " GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3"
)


def preview(
    session: Session,
    scope: Scope,
    until: datetime,
    reason: str | None,
    days: Mapping[str, int | None],
) -> list[dict[str, Any]]:
    """Whom, and whose sessions, the purge would erase until then, by reason and operator; nothing is
    changed.

    With `reason`: as if these `days` held (None: never) for those deleted for it.
    """
    rows = session.execute(text(_PREVIEW), _given(scope, until, reason, days))
    return [dict(row._mapping) for row in rows]


_BILLING = text(
    f"SELECT count(*){LEFT} AND c.deleted_at + CASE WHEN :billing AND p.reason = :reason"
    " THEN CAST(:billing_days AS int) ELSE p.billing_days END * interval '1 day' <= :until"
    " AND (CAST(:lo AS text) IS NULL OR c.operator_path >= :lo AND c.operator_path < :hi)"
)


def billing(
    session: Session,
    scope: Scope,
    until: datetime,
    reason: str | None,
    days: Mapping[str, int | None],
) -> int:
    """Of how many who are erased already the purge would remove the billing until then."""
    return int(session.scalar(_BILLING, _given(scope, until, reason, days)) or 0)


def _given(
    scope: Scope, until: datetime, reason: str | None, days: Mapping[str, int | None]
) -> dict[str, Any]:
    return {
        "until": until, "reason": reason or "", "lo": scope.path,
        "hi": scope.end if scope.path is not None else None,
        "person": "retain_days" in days, "sessions": "sessions_days" in days,
        "billing": "billing_days" in days, **{name: days.get(name) for name in DAYS},
    }  # fmt: skip
