"""A customer as of a past moment: what stands in the log since then, taken back, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import status_history
from customers.domain import Customer, Missing
from customers.persistence.customers import HOLD_SHOWN
from customers.registering import view

# Of what the log remembers, what makes up a customer; the money of a past day is in the statement.
TIMES = ("expires_at", "lift_suspension_until")
_HOLDS = text(
    f"SELECT {', '.join(HOLD_SHOWN)} FROM hold WHERE customer_id = :id AND since <= :at"
    " AND (lifted_at IS NULL OR lifted_at > :at) ORDER BY since, id"
)
_SINCE = text(
    "SELECT d.before FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
    " WHERE o.subject = :id AND o.at > :at AND d.before IS NOT NULL"
    # A service line has a name, too.
    " AND (starts_with(o.action, 'customer.') OR o.action = 'deleted_customer.edited')"
    " ORDER BY o.at DESC, o.id DESC"
)
_DELETED = text(
    "SELECT action = 'customer.deleted' FROM operation WHERE subject = :id AND at <= :at"
    " AND action IN ('customer.deleted', 'customer.restored') ORDER BY at DESC, id DESC LIMIT 1"
)


def as_of(session: Session, customer: Customer, at: datetime) -> dict[str, Any]:
    """The profile, the status shown and the holds of that moment; `inherited`: the kinds of hold that
    stood on operators above.

    `session` sees every branch: the customer may have been another operator's then.
    Raises Missing for a moment before there was the customer.
    """
    if at < customer.created_at:
        raise Missing("customer at that time")
    asked = {"id": customer.id, "at": at}
    line = status_history.at(session, customer.id, at)
    return {
        "id": customer.id,
        "at": at,
        "deleted": bool(session.scalar(_DELETED, asked)),
        "status": line.status if line else "inactive",
        "status_reason": line.reason if line else None,
        "status_since": line.since if line else None,
        "inherited": list(line.inherited) if line else [],
        "holds": [dict(row) for row in session.execute(_HOLDS, asked).mappings()],
        "profile": _profile(session, customer, asked),
    }


def _profile(session: Session, customer: Customer, asked: Mapping[str, Any]) -> dict[str, Any]:
    profile = view(customer) | {name: getattr(customer, name) for name in TIMES}
    for before in session.scalars(_SINCE, asked):
        profile |= {name: before[name] for name in before.keys() & profile.keys()}
    return profile
