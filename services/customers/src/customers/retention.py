"""Retention (A41): how long the deleted are kept, per reason, and the purge that ends it.

A policy is shown before it counts (`preview`), is changed by a job where many are concerned, and is
carried out once a day, a bounded number at a time. Who is under legal hold stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import column, func, select, table, text
from sqlalchemy.orm import Session

from customers import erasure, legal_holds, policies
from customers.deletion import REASONS
from customers.erasure_saga import MODES
from customers.persistence import tables
from shared import jobs, operations
from shared.database import Database, Scope
from shared.jobs import Verdict
from shared.logs import logger
from shared.operations import SYSTEM, SYSTEM_PATH, Actor

log = logger("retention")
c = tables.customer.c
policy_table = table("retention_policy", column("reason"), column("mode"))
PURGE = "customers.purge"
DAY = 86_400
# A day, and two hours for a worker that was being replaced: later than that, nobody purges.
ALARM_HOURS = 26
RECLOCK = "customers.reclock"


def read(session: Session) -> list[dict[str, Any]]:
    rows = session.execute(
        text("SELECT reason, retain_days, mode, updated_at FROM retention_policy")
    )
    found = {row.reason: dict(row._mapping) for row in rows}
    return [found[reason] for reason in REASONS if reason in found]


def version(session: Session) -> int:
    """Grows with every change: the ETag of the policies."""
    return int(session.scalar(text("SELECT coalesce(sum(version), 0) FROM retention_policy")) or 0)


def heartbeat(session: Session) -> dict[str, Any]:
    """When the purge last ran, what it did, and whether that is too long ago."""
    last = session.execute(
        text(
            "SELECT at, result, at < now() - :hours * interval '1 hour' AS overdue FROM tick"
            " WHERE name = :name AND finished_at IS NOT NULL ORDER BY slot DESC LIMIT 1"
        ),
        {"name": PURGE, "hours": ALARM_HOURS},
    ).one_or_none()
    paused = policies.read(session).purge_paused
    if last is None:
        return {"last_run_at": None, "last_run": None, "overdue": True, "paused": paused}
    return {"last_run_at": last.at, "last_run": last.result, "overdue": last.overdue,
            "paused": paused}  # fmt: skip


def lock(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('retention_policy'))"))


def change(session: Session, actor: Actor, wanted: Sequence[Mapping[str, Any]]) -> Any:
    """Set the policies of the reasons named; the job that counts anew for those who lie there, or None."""
    before = {policy["reason"]: policy for policy in read(session)}
    changed = [
        one for one in wanted
        if any(before[one["reason"]][name] != one[name] for name in ("retain_days", "mode"))
    ]  # fmt: skip
    for one in changed:
        session.execute(
            text(
                "UPDATE retention_policy SET retain_days = :retain_days, mode = :mode,"
                " version = version + 1, updated_at = now() WHERE reason = :reason"
            ),
            dict(one),
        )
        _log(session, actor, before[one["reason"]], one)
    again = [one["reason"] for one in changed
             if before[one["reason"]]["retain_days"] != one["retain_days"]]  # fmt: skip
    return _count_anew(session, actor, again) if again else None


def _log(
    session: Session, actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    names = ("reason", "retain_days", "mode")
    operations.record(
        session, actor, "retention_policy.changed", "retention_policy", None,
        operator_path=SYSTEM_PATH, before={name: before[name] for name in names},
        after={name: after[name] for name in names}, personal=False,
    )  # fmt: skip


def _count_anew(session: Session, actor: Actor, reasons: Sequence[str]) -> Any:
    return jobs.enqueue(
        session, RECLOCK, actor, operator_path=actor.path or SYSTEM_PATH,
        select=(
            "SELECT id FROM customer WHERE state = 'deleted'"
            " AND deletion_reason = ANY(:reasons) ORDER BY id",
            {"reasons": list(reasons)},
        ),
    )  # fmt: skip


def reclock(session: Session, _job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """The day of the erasure by today's policy. No version: what is kept of the customer is the same."""
    rows = session.execute(
        text(
            "UPDATE customer c SET erase_after = c.deleted_at + p.retain_days * interval '1 day'"
            " FROM (SELECT id FROM customer WHERE id = ANY(:ids) ORDER BY id FOR UPDATE) AS l,"
            " retention_policy p WHERE c.id = l.id AND c.state = 'deleted'"
            " AND p.reason = c.deletion_reason RETURNING c.id, c.erase_after"
        ),
        {"ids": list(subjects)},
    )
    return {row.id: ("done", {"erase_after": row.erase_after}) for row in rows}


RECLOCK_KIND = jobs.Kind(name=RECLOCK, chunk=reclock)


# ---------------------------------------------------------------- preview
_PREVIEW = (
    "SELECT c.deletion_reason AS reason, p.mode, c.operator_id, o.name AS operator_name,"
    " count(*) AS deleted,"
    " count(*) FILTER (WHERE due <= :until AND legal_hold IS NULL) AS would_erase,"
    " count(*) FILTER (WHERE due <= :until AND legal_hold IS NOT NULL) AS held,"
    " count(*) FILTER (WHERE due > :until) AS later, count(*) FILTER (WHERE due IS NULL) AS never,"
    " min(due) AS first_at, max(due) AS last_at"
    " FROM (SELECT *, CASE WHEN :reason = deletion_reason"
    "  THEN deleted_at + CAST(:days AS int) * interval '1 day' ELSE erase_after END AS due"
    "  FROM customer WHERE state = 'deleted' AND (CAST(:lo AS text) IS NULL"
    "  OR operator_path >= :lo AND operator_path < :hi)) AS c"
    " JOIN operator o ON o.id = c.operator_id"
    " LEFT JOIN retention_policy p ON p.reason = c.deletion_reason"
    " GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3"
)


def preview(
    session: Session, scope: Scope, until: datetime, reason: str | None, days: int | None
) -> list[dict[str, Any]]:
    """Whom the purge would erase until then, by reason and operator; nothing is changed.

    With `reason` and `days`: as if that policy held (None: never) for those deleted for it.
    """
    rows = session.execute(
        text(_PREVIEW),
        {
            "until": until, "reason": reason, "days": days, "lo": scope.path,
            "hi": scope.end if scope.path is not None else None,
        },
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


# ---------------------------------------------------------------- the purge
def purge(session: Session) -> dict[str, Any]:
    """One run: begin the erasure of those whose time is over, at most `purge_limit` of them."""
    ended = legal_holds.end_due(session)
    policy = policies.read(session)
    if policy.purge_paused:
        return {"paused": True, "legal_holds_ended": ended, "begun": 0}
    begun, left = 0, policy.purge_limit
    erasures: list[str] = []
    for mode in MODES:
        due = (
            select(c.id)
            .where(
                c.state == "deleted",
                c.erase_after <= func.now(),
                c.legal_hold.is_(None),
                c.deletion_reason.in_(
                    select(policy_table.c.reason).where(policy_table.c.mode == mode)
                ),
            )
            .order_by(c.erase_after, c.id)
            .limit(left)
        )
        ids = session.scalars(due).all()
        if ids:
            erasure_id, number = erasure.by_the_clock(session, SYSTEM, mode, [c.id.in_(ids)])
            begun, left = begun + number, left - number
            erasures.append(str(erasure_id))
    log.info("retention.purged", begun=begun, limit=policy.purge_limit)
    return {"paused": False, "legal_holds_ended": ended, "begun": begun, "erasures": erasures,
            "limit_reached": left == 0}  # fmt: skip


def watch(database: Database) -> None:
    """A line for the alarm when nobody purged for too long."""
    with database.transaction() as session:
        found = heartbeat(session)
    if found["overdue"]:
        log.error("retention.overdue", last_run_at=str(found["last_run_at"]), hours=ALARM_HOURS)
