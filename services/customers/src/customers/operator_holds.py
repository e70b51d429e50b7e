"""Holds on an operator: everybody below is blocked or suspended, without a row per customer (statuses
3 and 6). Each is lifted only by who set it, or from above (C5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from customers.domain import NotAllowed, NotValid, Operator, OperatorHold, now
from customers.operators import logged
from customers.persistence import operators, tables
from shared import operations, outbox
from shared.database import EVERYTHING, uuid7
from shared.operations import SYSTEM, Actor
from shared.tokens import Principal

h = tables.operator_hold.c


def hold(
    session: Session, caller: Principal, actor: Actor, operator: Operator, kind: str,
    reason: str | None = None, until: datetime | None = None,
) -> Operator:  # fmt: skip
    """Hold the locked operator; twice by the same branch is once. Raises NotAllowed, NotValid."""
    _refuse_self(caller, operator)
    if until is not None and until <= now():
        raise NotValid("until", "must lie in the future")
    owner = _path(caller)
    if any(one.owner_path == owner for one in in_force(session, operator, kind)):
        return operator
    session.add(
        OperatorHold(
            id=UUID(str(uuid7())), operator_id=operator.id, operator_path=operator.operator_path,
            kind=kind, reason=reason, owner_path=owner, actor=actor.name, until=until,
        )
    )  # fmt: skip
    _follow(session, actor, operator, "operator.held", reason)
    return operator


def lift(
    session: Session, caller: Principal, actor: Actor, operator: Operator, kind: str
) -> Operator:
    """Lift what the caller's branch set; twice is once. Raises NotAllowed where others alone hold."""
    _refuse_self(caller, operator)
    standing = in_force(session, operator, kind)
    own = [one for one in standing if caller.scope.holds(one.owner_path)]
    if standing and not own:
        raise NotAllowed("This hold was set by an operator above you, who alone lifts it.")
    _let_go(session, actor, operator, own, None)
    return operator


def end_due(session: Session, most: int) -> int:
    """Lift those whose time has come, of `most` operators at a time; how many operators that were."""
    due = select(h.operator_id).where(h.lifted_at.is_(None), h.until <= func.now())
    ids = session.scalars(due.distinct().order_by(h.operator_id).limit(most)).all()
    for operator_id in ids:
        operator = operators.operator(session, EVERYTHING, operator_id, lock=True)
        ended = [one for one in in_force(session, operator) if one.until and one.until <= now()]
        _let_go(session, SYSTEM, operator, ended, "its time has come")
    return len(ids)


def _let_go(
    session: Session, actor: Actor, operator: Operator, chosen: Sequence[OperatorHold],
    reason: str | None,
) -> None:  # fmt: skip
    for one in chosen:
        one.lifted_at, one.lifted_by = now(), actor.name
    if chosen:
        _follow(session, actor, operator, "operator.hold_lifted", reason)


def in_force(session: Session, operator: Operator, kind: str | None = None) -> list[OperatorHold]:
    found = select(OperatorHold).where(h.operator_id == operator.id, h.lifted_at.is_(None))
    if kind is not None:
        found = found.where(h.kind == kind)
    return list(session.scalars(found.order_by(h.since, h.id)))


def _refuse_self(caller: Principal, operator: Operator) -> None:
    if operator.id == caller.id:
        raise NotAllowed("Holds are set and lifted from above.")


def _path(caller: Principal) -> str:
    # A service has no place in the tree: it acts for the root.
    return caller.path or "1/"


def _follow(
    session: Session, actor: Actor, operator: Operator, action: str, reason: str | None
) -> None:
    """The kinds that stand, as events and lists tell them; the log has every step."""
    session.flush()
    before: dict[str, Any] = logged(operator)
    operator.change(holds=sorted({one.kind for one in in_force(session, operator)}))
    session.flush()
    outbox.publish(session, operator.told(), actor=actor.name, request_id=actor.request_id)
    operations.record(
        session, actor, action, "operator", operator.id, operator_path=operator.operator_path,
        before=before, after=logged(operator), reason=reason, personal=False,
    )  # fmt: skip
