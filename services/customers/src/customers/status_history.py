"""The status as it was shown, over time: the own one, and what operators above made of it meanwhile
(statuses 3 and 6). A hold on an operator writes no row per customer, so it is laid over the own lines here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, String, Text, column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import Session

from customers.domain import ABOVE_BLOCK, ABOVE_PAUSE
from shared.database import EVERYTHING, Scope

# Whom a branch does not see: who stands above it.
ABOVE = "above"
_LINES = """
WITH went AS (
    SELECT id, at, actor, operator_path AS path, lag(operator_path) OVER (ORDER BY at, id) AS was
    FROM operation WHERE subject = :customer AND subject_kind = 'customer'
), stay AS (
    SELECT id, at, actor, path, CASE WHEN was IS NULL THEN '-infinity' ELSE at END AS began,
        coalesce(lead(at) OVER (ORDER BY at, id), 'infinity') AS ended
    FROM went WHERE was IS DISTINCT FROM path
), above AS (
    SELECT h.id, h.kind, h.since, h.lifted_at, s.began, s.ended,
        CASE WHEN starts_with(h.owner_path, :seen) THEN h.actor ELSE :above END AS actor,
        CASE WHEN starts_with(h.owner_path, :seen) THEN h.lifted_by ELSE :above END AS lifted_by
    FROM stay s JOIN operator_hold h ON starts_with(s.path, h.operator_path)
    WHERE h.since < s.ended AND (h.lifted_at IS NULL OR h.lifted_at > s.began)
), moment AS (
    SELECT id, since, actor, status, reason FROM status_change WHERE customer_id = :customer
    UNION ALL SELECT id, at, actor, NULL, NULL FROM stay WHERE began > '-infinity'
    UNION ALL SELECT id, since, actor, NULL, NULL FROM above WHERE since >= began
    UNION ALL SELECT md5(id::text)::uuid, lifted_at, lifted_by, NULL, NULL FROM above
        WHERE lifted_at <= ended
), own AS (
    SELECT m.id, m.since, m.actor, coalesce(m.status, o.status) AS status,
        CASE WHEN m.status IS NULL THEN o.reason ELSE m.reason END AS reason,
        ARRAY(SELECT DISTINCT a.kind FROM above a WHERE m.since >= greatest(a.since, a.began)
            AND m.since < a.ended AND (a.lifted_at IS NULL OR m.since < a.lifted_at) ORDER BY a.kind
        ) AS inherited
    FROM moment m LEFT JOIN LATERAL (
        SELECT status, reason FROM status_change WHERE customer_id = :customer AND since <= m.since
        ORDER BY since DESC, id DESC LIMIT 1) o ON m.status IS NULL
), shown AS (
    SELECT id, since, actor, inherited,
        CASE WHEN blocked THEN 'reseller_blocked' WHEN paused THEN 'reseller_suspended' ELSE status
            END AS status,
        CASE WHEN blocked AND 'admin' = ANY(inherited) THEN 'admin' WHEN blocked THEN 'fraud'
            WHEN paused THEN 'reseller' ELSE reason END AS reason
    FROM own, LATERAL (SELECT
        inherited && ARRAY['admin', 'fraud'] AND status <> ALL(CAST(:above_block AS text[])) AS blocked,
        'reseller' = ANY(inherited) AND status <> ALL(CAST(:above_pause AS text[])) AS paused) rule
    WHERE status IS NOT NULL
)
SELECT id, status, reason, since, actor, inherited FROM (
    SELECT *, lag(status) OVER (ORDER BY since, id) AS before FROM shown
) line WHERE status IS DISTINCT FROM before
"""


def lines(customer: UUID, seen: Scope) -> Select[Any]:
    """A line for each change of the status shown; `seen`: whose names the caller may read.

    For a session that sees every branch: the customer may have been another operator's then.
    """
    found = (
        text(_LINES)
        .bindparams(
            customer=customer, above=ABOVE, seen=seen.path or "",
            above_block=sorted(ABOVE_BLOCK), above_pause=sorted(ABOVE_PAUSE),
        )
        .columns(
            column("id", PgUUID(as_uuid=True)), column("status", Text), column("reason", Text),
            column("since", DateTime(timezone=True)), column("actor", Text),
            column("inherited", ARRAY(String)),
        )
        .subquery("line")
    )  # fmt: skip
    return select(found)


def at(session: Session, customer: UUID, moment: datetime) -> Any:
    """The line in force at that moment, or None; of two changes at one moment the later one."""
    query = lines(customer, EVERYTHING)
    line = query.selected_columns
    return session.execute(
        query.where(line.since <= moment).order_by(line.since.desc(), line.id.desc()).limit(1)
    ).one_or_none()
