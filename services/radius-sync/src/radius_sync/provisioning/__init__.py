"""Facts to rows: who may be online, derived set-based and written in the transaction of the facts.

A login's rows are a function of the facts of all customers that have that name, so two batches that
touch one login take its row in `login` in turn and whichever comes last sees everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from radius_sync import rows
from shared.inbox import ring_after_commit

DISCONNECT = "radius-sync.disconnect"


def _statement(name: str) -> TextClause:
    return text((files(__package__) / name).read_text())


_TOUCHED = _statement("touched.sql")
_DECIDE = _statement("decide.sql")
_ORDER = _statement("order.sql")
_LOCK = text("SELECT FROM login WHERE username = ANY(:logins) ORDER BY username FOR UPDATE")


def provision(session: Session, customers: Sequence[UUID]) -> int:
    """Derive access of these customers and put it into effect, in this transaction; how many logins
    changed. Their rows are locked by the caller's upsert."""
    if not customers:
        return 0
    return provision_logins(session, list(session.scalars(_TOUCHED, {"ids": list(customers)})))


def provision_logins(session: Session, logins: Sequence[str]) -> int:
    """Decide who bears these logins, already locked, and write rows and orders for what changed."""
    if not logins:
        return 0
    decided = session.execute(_DECIDE, {"logins": list(logins)}).all()
    changed = [row for row in decided if not row.raced]
    if changed:
        rows.rewrite(session, [row.username for row in changed])
        limited = {row.groupname for row in changed if row.access == "limited"}
        rows.add_missing_groups(session, limited)
        _tell_sessions(session, {row.username: row.was for row in changed if row.told})
    return len(changed) + _decide_again(session, [row.username for row in decided if row.raced])


def _tell_sessions(session: Session, told: Mapping[str, str]) -> None:
    if not told:
        return
    ordered = session.execute(_ORDER, {"logins": list(told), "was": list(told.values())})
    if ordered.rowcount:  # type: ignore[attr-defined]
        ring_after_commit(session, DISCONNECT)


def _decide_again(session: Session, raced: Sequence[str]) -> int:
    """Logins that another transaction made since ours looked: it has ended, so they can be locked."""
    if not raced:
        return 0
    session.execute(_LOCK, {"logins": list(raced)})
    return provision_logins(session, raced)
