"""Customers to look at again though no event names them: by time, by package, by operator.

Each function takes one chunk in the caller's transaction; call it until it answers 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import rows
from radius_sync.provisioning import provision, provision_logins
from shared.arrays import Array, array

_RECHECK = text(
    "UPDATE subscriber s SET recheck_at = next_recheck(s.expires_at, s.lift_suspension_until)"
    " WHERE customer_id IN (SELECT customer_id FROM subscriber WHERE recheck_at <= now()"
    " ORDER BY customer_id LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING customer_id"
)


def recheck_due(session: Session, most: int = 500) -> int:
    """Customers whose validity or lifted suspension has just ended; how many. Call until 0."""
    due = list(session.scalars(_RECHECK, {"most": most}))
    provision(session, array(due))
    return len(due)


_CLOSED = text(
    "WITH closed AS (SELECT username FROM login l WHERE closing AND NOT EXISTS (SELECT FROM radacct a"
    " WHERE a.username = l.username AND a.acctstoptime IS NULL)"
    " ORDER BY username LIMIT 500 FOR UPDATE SKIP LOCKED)"
    " SELECT CAST(coalesce(array_agg(username), '{}') AS text) AS logins, count(*) AS number FROM closed"
)


def drop_closed(session: Session) -> int:
    """Removed logins whose last session has ended lose their reject row; how many."""
    closed = session.execute(_CLOSED).one()
    provision_logins(session, Array(closed.logins))
    return int(closed.number)


def sweep_packages(session: Session, packages: Sequence[UUID]) -> None:
    """Queue all customers of these packages, and write the groups, which new logins use at once."""
    rows.rewrite_groups(session)
    _queue(session, "package", [str(package) for package in packages])


def sweep_operators(session: Session, paths: Sequence[str]) -> None:
    """Queue all customers below these operators."""
    _queue(session, "operator", paths)


def _queue(session: Session, kind: str, keys: Sequence[str]) -> None:
    session.execute(
        text(
            "INSERT INTO sweep (kind, key) SELECT :kind, key FROM unnest(CAST(:keys AS text[])) key"
        ),
        {"kind": kind, "keys": list(keys)},
    )


_SWEEP = text("SELECT * FROM sweep ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
_SWEPT = {
    "package": "package_id = CAST(:key AS uuid)",
    "operator": "operator_path >= :key AND operator_path < rtrim(:key, '/') || '0' COLLATE \"C\"",
}


def sweep(session: Session, most: int = 500) -> int:
    """One chunk of the oldest sweep; how many customers, 0 when nothing waits. Call until 0."""
    job = session.execute(_SWEEP).one_or_none()
    if job is None:
        return 0
    chosen = list(
        session.scalars(
            text(
                f"SELECT customer_id FROM subscriber WHERE {_SWEPT[job.kind]}"
                " AND customer_id > :after ORDER BY customer_id LIMIT :most FOR UPDATE"
            ),
            {"key": job.key, "after": job.after, "most": most},
        )
    )
    if len(chosen) < most:
        session.execute(text("DELETE FROM sweep WHERE id = :id"), {"id": job.id})
    else:
        session.execute(
            text("UPDATE sweep SET after = :after WHERE id = :id"),
            {"id": job.id, "after": chosen[-1]},
        )
    provision(session, array(chosen))
    return len(chosen) or 1
