"""The purge (A41): once a day, what is due by the retention policies goes, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import column, func, select, table
from sqlalchemy.orm import Session

from customers import billing_erasure, erasure, legal_holds, policies, session_erasure
from customers.erasure_saga import MODES
from customers.persistence import tables
from shared.database import Database
from shared.logs import logger
from shared.operations import SYSTEM

log = logger("retention")
c = tables.customer.c
policy_table = table("retention_policy", column("reason"), column("mode"))
# Claims take half a second so, and nobody waits long for their locks.
CHUNK = 2000


def purge(database: Database) -> dict[str, Any]:
    """One run, of each data class at most `purge_limit`: give up the sessions and the billing of those
    whose days for them are over, and begin the erasure of those whose own are.

    Resumable at any line: what is claimed is due no more.
    """
    with database.transaction() as session:
        ended = legal_holds.end_due(session)
        policy = policies.read(session)
    if policy.purge_paused:
        return {"paused": True, "legal_holds_ended": ended, "begun": 0, "sessions_begun": 0,
                "billing_begun": 0}  # fmt: skip
    limit = policy.purge_limit
    sessions = _in_chunks(database, session_erasure.claim, limit)
    billing = _in_chunks(database, billing_erasure.claim, limit)
    with database.transaction() as session:
        erasures, begun = _begin(session, limit)
    log.info("retention.purged", begun=begun, sessions=sessions, billing=billing, limit=limit)
    return {
        "paused": False, "legal_holds_ended": ended, "begun": begun, "erasures": erasures,
        "limit_reached": begun == limit, "sessions_begun": sessions,
        "sessions_limit_reached": sessions == limit, "billing_begun": billing,
        "billing_limit_reached": billing == limit,
    }  # fmt: skip


def _in_chunks(database: Database, claim: Callable[[Session, int], int], most: int) -> int:
    done = 0
    while done < most:
        with database.transaction() as session:
            taken = claim(session, min(CHUNK, most - done))
        if taken == 0:
            break
        done += taken
    return done


def _begin(session: Session, most: int) -> tuple[list[str], int]:
    """Erase the persons; the erasures, and of how many."""
    erasures, begun = [], 0
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
            .limit(most - begun)
        )
        ids = session.scalars(due).all()
        if ids:
            erasure_id, number = erasure.by_the_clock(session, SYSTEM, mode, [c.id.in_(ids)])
            begun += number
            erasures.append(str(erasure_id))
    return erasures, begun
