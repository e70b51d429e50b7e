"""Anti-entropy: what should be there against what is there, on every target and in every session.

Drift without an injected fault is a bug of ours; drift by somebody's hand is repaired within a
minute (F40), with a budget, and every repair is in the operations log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import nas_rows, rows, targets
from radius_sync.reconciling import inventories, reporting
from radius_sync.reconciling.comparing import (
    Drift,
    compare_groups,
    compare_nases,
    compare_rows,
    compare_sessions,
    fetch,
    order_sessions,
)
from shared.database import Database
from shared.operations import SYSTEM, Actor
from shared.ticks import tick

PERIOD = 60
# More than this at once is no drift but an accident (a restored dump, a wrong database): it is
# reported in full and repaired in bites, while people look.
BUDGET = 2000


def on_the_minute(database: Database, key: bytes, *, loopback: bool = False) -> bool:
    """Reconcile and heal once per slot of a minute; False when this minute is done."""
    if not tick(database, "reconcile", PERIOD, lambda _: {}):
        return False
    run(database, key, heal=True, actor=SYSTEM, loopback=loopback)
    return True


def run(
    database: Database, key: bytes, *, heal: bool, actor: Actor, job_id: UUID | None = None,
    loopback: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """One reconciliation over all targets and sessions; the report as the API shows it. `loopback`:
    a NAS of this machine is asked for its sessions too."""
    identity = reporting.begin(database, heal, actor, job_id)
    with database.transaction() as session:
        found = session.execute(
            text("SELECT * FROM target WHERE enabled ORDER BY NOT embedded, name")
        ).all()
    healed = 0
    for target in found:
        try:
            healed += _target(database, target, key, identity, heal, actor)
        except psycopg.Error as error:
            away = [Drift("target_away", None, None, type(error).__name__)]
            with database.transaction() as session:
                reporting.report(session, identity, target.name, away)
    healed += _sessions(database, identity, heal, actor)
    asked = inventories.Run(database, identity, heal, actor, BUDGET)
    healed += inventories.compare_all(asked, key, loopback=loopback)
    return reporting.finish(database, identity, healed)


def _target(
    database: Database, target: Any, key: bytes, identity: UUID, heal: bool, actor: Actor
) -> int:
    with ExitStack() as stack:
        remote = None if target.embedded else stack.enter_context(targets.connect(target, key))
        with database.transaction() as session:
            if remote is not None:
                fetch(session, remote)
            drift = [
                *compare_groups(session, target),
                *compare_nases(session, target),
                *compare_rows(session, target),
            ]
            logins, repaired = _bite(drift) if heal else ([], [])
            reporting.report(session, identity, target.name, drift, repaired)
            if not repaired:
                return 0
            reporting.log(session, actor, target.name, repaired)
            kinds = Counter(one.kind for one in drift)
            if remote is None:
                _repair(session, logins, kinds)
        if remote is not None:
            targets.write(database, remote, logins)
            if kinds["changed_group"]:
                targets.write_groups(database, target, remote)
            if kinds["changed_nas"]:
                targets.write_nases(database, target, remote)
    return len(logins) + kinds["changed_group"] + kinds["changed_nas"]


def _bite(drift: Sequence[Drift]) -> tuple[list[str], list[Drift]]:
    """The logins whose rows are replaced now, and the drift that this ends; groups and NASes are
    few and replaced whole."""
    logins = sorted({one.username for one in drift if one.username is not None})[:BUDGET]
    chosen = {None, *logins}
    return logins, [one for one in drift if one.username in chosen]


def _repair(session: Session, logins: Sequence[str], kinds: Counter[str]) -> None:
    if kinds["changed_group"]:
        rows.rewrite_groups(session)
    if kinds["changed_nas"]:
        nas_rows.rewrite(session)
    session.execute(
        text("SELECT FROM login WHERE username = ANY(:logins) ORDER BY username FOR UPDATE"),
        {"logins": list(logins)},
    )
    rows.rewrite(session, list(logins))


def _sessions(database: Database, identity: UUID, heal: bool, actor: Actor) -> int:
    with database.transaction() as session:
        drift = compare_sessions(session)
        repaired = drift[:BUDGET] if heal else []
        reporting.report(session, identity, "sessions", drift, repaired)
        if not repaired:
            return 0
        reporting.log(session, actor, "sessions", repaired)
        return order_sessions(session, most=BUDGET)
