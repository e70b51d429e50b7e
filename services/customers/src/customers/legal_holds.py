"""Legal hold: while a case runs, nothing of a customer may be erased, whoever asks (A41, F44)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from customers.domain import Customer, Missing, NotAllowed, NotValid, now
from customers.persistence import customers
from shared import operations
from shared.database import Scope
from shared.operations import SYSTEM, Actor


def place(
    session: Session, scope: Scope, actor: Actor, customer_id: UUID, case: str,
    until: datetime | None,
) -> Customer:  # fmt: skip
    """Hold a living or a deleted customer; a new case replaces the old one.

    Raises Missing, IsErased, NotAllowed for a hold from above, NotValid.
    """
    if until is not None and until <= now():
        raise NotValid("until", "must lie in the future")
    customer = customers.lock_one(session, scope, customer_id)
    _refuse_if_from_above(scope, customer)
    held = {
        "case": case, "until": until and until.isoformat(), "by": actor.name,
        "at": now().isoformat(), "owner_path": actor.path,
    }  # fmt: skip
    _change(session, actor, customer, held, "customer.legal_hold_placed")
    return customer


def lift(session: Session, scope: Scope, actor: Actor, customer_id: UUID) -> Customer:
    """Raises Missing when none stands, IsErased, NotAllowed."""
    customer = customers.lock_one(session, scope, customer_id)
    if customer.legal_hold is None:
        raise Missing("legal hold")
    _refuse_if_from_above(scope, customer)
    _change(session, actor, customer, None, "customer.legal_hold_lifted")
    return customer


def _refuse_if_from_above(scope: Scope, customer: Customer) -> None:
    owner = (customer.legal_hold or {}).get("owner_path")
    if owner is not None and not scope.holds(owner):
        raise NotAllowed("This legal hold was set by an operator above you, who alone changes it.")


def _change(
    session: Session, actor: Actor, customer: Customer, held: dict[str, Any] | None, action: str
) -> None:
    before = customer.legal_hold
    customer.legal_hold, customer.updated_at = held, now()
    customer.version += 1
    session.flush()
    operations.record(
        session, actor, action, "customer", customer.id, operator_path=customer.operator_path,
        before=before, after=held, reason=(held or before or {}).get("case"),
    )  # fmt: skip


def end_due(session: Session) -> int:
    """Lift what has reached its date; how many."""
    return operations.record_many(
        session, SYSTEM, "customer.legal_hold_ended", "customer", _END, {}
    )


_END = (
    "UPDATE customer c SET legal_hold = NULL, version = version + 1, updated_at = now()"
    " FROM (SELECT id, legal_hold FROM customer WHERE legal_hold IS NOT NULL"
    "  AND CAST(legal_hold->>'until' AS timestamptz) <= now() ORDER BY id FOR UPDATE) AS due"
    " WHERE c.id = due.id RETURNING c.id AS subject, c.operator_path, due.legal_hold AS before,"
    " CAST(NULL AS jsonb) AS after, 'its date is reached' AS reason"
)


def view(customer: Customer) -> dict[str, Any]:
    return shown(customer.legal_hold or {})


def shown(held: Mapping[str, Any]) -> dict[str, Any]:
    """Without the branch of who placed it, which is ours."""
    return {name: held.get(name) for name in ("case", "until", "by", "at")}
