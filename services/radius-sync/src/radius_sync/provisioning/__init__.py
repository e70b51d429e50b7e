"""Facts to rows: who may be online, derived set-based and written in the transaction of the facts.

A login's rows are a function of the facts of all customers that have that name, so two batches that
touch one login take its row in `login` in turn and whichever comes last sees everything.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from radius_sync import rows
from shared.arrays import EMPTY, Array
from shared.inbox import ring_after_commit

DISCONNECT = "radius-sync.disconnect"


def _statement(name: str) -> TextClause:
    return text((files(__package__) / name).read_text())


# A prepared statement keeps its plan while tables grow: one made for few logins reads all of them for
# each of a batch, for the minute until autovacuum has counted the rows of an import.
_BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true)")
_TOUCHED = _statement("touched.sql")
_DECIDE = _statement("decide.sql")
_ORDER = _statement("order.sql")
_LOCK = text(
    "SELECT FROM login WHERE username = ANY(CAST(:logins AS text[])) ORDER BY username FOR UPDATE"
)


def provision(session: Session, customers: Array) -> None:
    """Derive access of these customers and put it into effect, in this transaction. Their rows are
    locked by the caller's upsert."""
    if customers != EMPTY:
        session.execute(_BY_INDEX)
        logins = session.execute(_TOUCHED, {"ids": customers}).scalar_one()
        _decide(session, Array(logins))


def provision_logins(session: Session, logins: Array) -> None:
    """Decide who bears these logins, already locked, and write rows and orders for what changed."""
    session.execute(_BY_INDEX)
    _decide(session, logins)


def _decide(session: Session, logins: Array) -> None:
    if logins == EMPTY:
        return
    decided = session.execute(_DECIDE, {"logins": logins}).one()
    if decided.changed != EMPTY:
        rows.rewrite(session, decided.changed)
        rows.add_missing_groups(session, decided.limited or ())
        _tell_sessions(session, decided)
    if decided.raced != EMPTY:
        # Another transaction made them since ours looked: it has ended, so they can be locked.
        session.execute(_LOCK, {"logins": decided.raced})
        _decide(session, decided.raced)


def _tell_sessions(session: Session, decided: Any) -> None:
    if decided.told == EMPTY:
        return
    before = {"were": decided.were, "old_rates": decided.old_rates}
    ordered = session.execute(_ORDER, {"logins": decided.told, **before})
    if ordered.rowcount:  # type: ignore[attr-defined]
        ring_after_commit(session, DISCONNECT)
