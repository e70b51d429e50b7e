"""Holds on an operator: everybody below is blocked or suspended, without a row per customer (statuses
3 and 6). Each is lifted only by who set it, or from above (C5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.domain import NotAllowed, Operator, OperatorHold, now
from customers.operators import logged
from customers.persistence import tables
from shared import operations, outbox
from shared.database import uuid7
from shared.operations import Actor
from shared.tokens import Principal

h = tables.operator_hold.c


def hold(
    session: Session, caller: Principal, actor: Actor, operator: Operator, kind: str,
    reason: str | None = None,
) -> Operator:  # fmt: skip
    """Hold the locked operator; twice by the same branch is once. Raises NotAllowed."""
    _refuse_self(caller, operator)
    owner = _path(caller)
    if any(one.owner_path == owner for one in in_force(session, operator, kind)):
        return operator
    session.add(
        OperatorHold(
            id=UUID(str(uuid7())), operator_id=operator.id, operator_path=operator.operator_path,
            kind=kind, reason=reason, owner_path=owner, actor=actor.name,
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
    for one in own:
        one.lifted_at, one.lifted_by = now(), actor.name
    if own:
        _follow(session, actor, operator, "operator.hold_lifted", None)
    return operator


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
