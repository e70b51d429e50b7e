"""Retention (A41): how long the deleted are kept, per reason and data class.

`retain_days` is the person's; `sessions_days` that of what the network keeps, which may go earlier;
`billing_days` that of the money that a pseudonymised person leaves, which may go later (`mode` says
whether it goes at once). A policy is shown before it counts (`retention_preview`), is changed by a job
where many are concerned, and is carried out once a day (`purging`). Who is under legal hold stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import billing_erasure, policies, session_erasure
from customers.deletion import REASONS
from customers.domain import NotValid
from shared import jobs, operations
from shared.database import Database
from shared.jobs import Verdict
from shared.logs import logger
from shared.operations import SYSTEM_PATH, Actor

log = logger("retention")
PURGE = "customers.purge"
DAY = 86_400
# A day, and two hours for a worker that was being replaced: later than that, nobody purges.
ALARM_HOURS = 26
RECLOCK = "customers.reclock"
# What a deleted customer has a day for; who is erased is looked up by the policy of the day.
RECKONED = ("retain_days", "sessions_days")
DAYS = (*RECKONED, "billing_days")
NAMES = (*DAYS, "mode")


def read(session: Session) -> list[dict[str, Any]]:
    rows = session.execute(
        text(
            "SELECT reason, retain_days, sessions_days, billing_days, mode, updated_at"
            " FROM retention_policy"
        )
    )
    found = {row.reason: dict(row._mapping) for row in rows}
    return [found[reason] for reason in REASONS if reason in found]


def version(session: Session) -> int:
    """Grows with every change: the ETag of the policies."""
    return int(session.scalar(text("SELECT coalesce(sum(version), 0) FROM retention_policy")) or 0)


def heartbeat(session: Session) -> dict[str, Any]:
    """When the purge last ran, what it did, and whether that is too long ago; how many claims of
    sessions radius-sync has not answered for a day."""
    last = session.execute(
        text(
            "SELECT at, result, at < now() - :hours * interval '1 hour' AS overdue FROM tick"
            " WHERE name = :name AND finished_at IS NOT NULL ORDER BY slot DESC LIMIT 1"
        ),
        {"name": PURGE, "hours": ALARM_HOURS},
    ).one_or_none()
    paused, unanswered = policies.read(session).purge_paused, session_erasure.unanswered(session)
    found = {
        "paused": paused,
        "sessions_unanswered": unanswered,
        "billing_unanswered": billing_erasure.unanswered(session),
    }
    if last is None:
        return {"last_run_at": None, "last_run": None, "overdue": True, **found}
    return {"last_run_at": last.at, "last_run": last.result, "overdue": last.overdue, **found}


def lock(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('retention_policy'))"))


def change(session: Session, actor: Actor, wanted: Sequence[Mapping[str, Any]]) -> Any:
    """Set the policies of the reasons named; the job that counts anew for those who lie there, or None.

    A class that is not named keeps its days. Raises NotValid for one kept longer than the person.
    """
    before = {policy["reason"]: policy for policy in read(session)}
    kept = [{name: before[one["reason"]][name] for name in NAMES} | dict(one) for one in wanted]
    for at, one in enumerate(kept):
        _check(at, one)
    changed = [one for one in kept
               if any(before[one["reason"]][name] != one[name] for name in NAMES)]  # fmt: skip
    for one in changed:
        session.execute(
            text(
                "UPDATE retention_policy SET retain_days = :retain_days,"
                " sessions_days = :sessions_days, billing_days = :billing_days, mode = :mode,"
                " version = version + 1, updated_at = now() WHERE reason = :reason"
            ),
            one,
        )
        _log(session, actor, before[one["reason"]], one)
    again = [one["reason"] for one in changed
             if any(before[one["reason"]][name] != one[name] for name in RECKONED)]  # fmt: skip
    return _count_anew(session, actor, again) if again else None


def _check(at: int, one: Mapping[str, Any]) -> None:
    person, sessions, billing = (one[name] for name in DAYS)
    if person is not None and sessions is not None and sessions > person:
        raise NotValid(
            f"items/{at}/sessions_days",
            f"sessions are never kept longer than the person, {person} days here: give at most that,"
            " or null to keep them as long as the person",
            "longer_than_person",
        )
    if person is not None and billing is not None and billing < person:
        raise NotValid(
            f"items/{at}/billing_days",
            f"billing never goes before the person, {person} days here: give at least that, or null to"
            " keep it without a person",
            "shorter_than_person",
        )
    if billing is not None and one["mode"] == "everything":
        raise NotValid(
            f"items/{at}/billing_days",
            "with everything, billing goes with the person: give null, or choose pseudonymise",
            "goes_with_person",
        )


def _log(
    session: Session, actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    names = ("reason", *NAMES)
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
            "UPDATE customer c SET erase_after = c.deleted_at + p.retain_days * interval '1 day',"
            # What was given up since the deletion is not given up twice.
            " sessions_erase_after = CASE WHEN c.sessions_erased_before >= c.deleted_at THEN NULL"
            "  ELSE c.deleted_at + p.sessions_days * interval '1 day' END"
            " FROM (SELECT id FROM customer WHERE id = ANY(:ids) ORDER BY id FOR UPDATE) AS l,"
            " retention_policy p WHERE c.id = l.id AND c.state = 'deleted'"
            " AND p.reason = c.deletion_reason"
            " RETURNING c.id, c.erase_after, c.sessions_erase_after"
        ),
        {"ids": list(subjects)},
    )
    return {
        row.id: ("done", {"erase_after": row.erase_after,
                          "sessions_erase_after": row.sessions_erase_after})
        for row in rows
    }  # fmt: skip


RECLOCK_KIND = jobs.Kind(name=RECLOCK, permission="retention.write", chunk=reclock)


def watch(database: Database) -> None:
    """A line for the alarm when nobody purged for too long."""
    with database.transaction() as session:
        found = heartbeat(session)
    if found["overdue"]:
        log.error("retention.overdue", last_run_at=str(found["last_run_at"]), hours=ALARM_HOURS)
    if found["sessions_unanswered"]:
        log.error("retention.sessions_unanswered", claims=found["sessions_unanswered"])
    if found["billing_unanswered"]:
        log.error("retention.billing_unanswered", claims=found["billing_unanswered"])
