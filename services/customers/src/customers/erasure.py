"""Erasure asked for, approved, cancelled (A32-A38, D8-D14): what happens then is in erasure_saga.

Deleted customers only, chosen one by one, by filter, or all of the branch; who is meant is written
down at once and never widened. The check that counts is made again when each one is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers import policies
from customers.domain import Customer, NotAllowed, NotValid, Refusal, now
from customers.erasure_catalogue import Mode
from customers.persistence import customers, erasures, tables
from shared import operations
from shared.database import Scope, uuid7
from shared.operations import Actor

c = tables.customer.c


@dataclass(frozen=True, kw_only=True)
class Order:
    """`confirm`: the customer number, or `ERASE n CUSTOMERS` (A34, D11: it cannot be undone)."""

    confirm: str
    mode: Mode
    legal_basis: str


def erase_one(session: Session, scope: Scope, actor: Actor, customer_id: UUID, order: Order) -> Any:
    """Ask for the erasure of one. Raises Missing, IsErased, Refusal (with what stands), NotValid."""
    customer = customers.lock_one(session, scope, customer_id)
    refuse(customer, order.mode)
    if order.confirm != customer.customer_number:
        raise NotValid("confirm", f"type the customer number, {customer.customer_number}")
    erasure_id = _open(session, actor, order, source="request")
    erasures.freeze(session, erasure_id, [c.id == customer_id])
    return _begun(session, scope, actor, erasure_id)


def erase_many(
    session: Session,
    scope: Scope,
    actor: Actor,
    chosen: Sequence[ColumnElement[bool]],
    order: Order,
) -> Any:
    """Ask for the erasure of what `chosen` finds among the deleted of the branch.

    Raises NotValid, naming the words to type: so one knows how many before it is too late. Held and
    retained ones are refused one by one when their turn comes.
    """
    erasure_id = _open(session, actor, order, source="request")
    number = erasures.freeze(
        session, erasure_id, [c.state == "deleted", scope.covers(c.operator_path), *chosen]
    )
    if number == 0:
        raise NotValid("filter", "finds no deleted customer", "empty")
    words = f"ERASE {number} CUSTOMERS"
    if order.confirm != words:
        raise NotValid("confirm", f"type {words}", "confirm")
    return _begun(session, scope, actor, erasure_id)


def refuse(customer: Customer, mode: Mode) -> None:
    """Raises Refusal for a living one, one under legal hold (F44), and `everything` before its time."""
    place = f"/v1/customers/{customer.id}"
    if customer.state == "alive":
        raise Refusal("not_deleted", "Only a deleted customer can be erased.", [{
            "code": "not_deleted", "detail": "delete it first", "resolve": f"POST {place}/delete",
        }])  # fmt: skip
    if customer.legal_hold is not None:
        raise Refusal("legal_hold", "A legal hold stands: nothing of this customer may go.", [{
            "code": "legal_hold", "detail": f"case {customer.legal_hold.get('case')}",
            "resolve": f"DELETE {place}/legal-hold",
        }])  # fmt: skip
    if mode == "everything" and customer.erase_after is not None and customer.erase_after > now():
        raise Refusal("retention", "The retention period stands: choose pseudonymise, or wait.", [{
            "code": "retention", "detail": f"until {customer.erase_after.isoformat()}",
            "resolve": "PUT /v1/retention-policies",
        }])  # fmt: skip


def _open(session: Session, actor: Actor, order: Order, *, source: str) -> UUID:
    policy = policies.read(session)
    erasure_id = UUID(str(uuid7()))
    erasures.add(
        session,
        {
            "id": erasure_id,
            "state": "awaiting_approval" if policy.erasure_approval else "cooling",
            "mode": order.mode,
            "legal_basis": order.legal_basis,
            "path": actor.path or operations.SYSTEM_PATH,
            "source": source,
            "by": actor.name,
            "by_id": actor.id,
            "cooling": policy.cooling_hours,
        },
    )
    return erasure_id


def _begun(session: Session, scope: Scope, actor: Actor, erasure_id: UUID) -> Any:
    found = erasures.read(session, scope, erasure_id)
    _log(session, actor, "erasure.requested", found, None, found.legal_basis)
    return found


def by_the_clock(
    session: Session, actor: Actor, mode: Mode, chosen: Sequence[ColumnElement[bool]]
) -> tuple[UUID, int]:
    """What the retention policy asks for, without cooling and approval: the policy was approved."""
    erasure_id = UUID(str(uuid7()))
    erasures.add(
        session,
        {
            "id": erasure_id, "state": "running", "mode": mode, "source": "retention",
            "legal_basis": "end of the retention period", "path": operations.SYSTEM_PATH,
            "by": actor.name, "by_id": actor.id, "cooling": 0,
        },
    )  # fmt: skip
    return erasure_id, erasures.freeze(session, erasure_id, chosen)


def approve(session: Session, scope: Scope, actor: Actor, erasure_id: UUID) -> Any:
    """A second person lets it go on. Raises Missing, Refusal, NotAllowed for the one who asked."""
    found = erasures.read(session, scope, erasure_id, lock=True)
    if found.approved_at is not None and found.approved_by == actor.name:
        return found
    if found.state != "awaiting_approval":
        raise Refusal("erasure_state", f"It is {found.state}: there is nothing to approve.")
    if actor.id is None or actor.id == found.requested_by_id:
        raise NotAllowed("A second person approves: somebody else than who asked.")
    return _move(session, scope, actor, found, "cooling", "approved_by = :by, approved_at = now()")


def cancel(session: Session, scope: Scope, actor: Actor, erasure_id: UUID) -> Any:
    """Take it back while nothing is gone. Raises Missing, Refusal."""
    found = erasures.read(session, scope, erasure_id, lock=True)
    if found.state == "cancelled":
        return found
    if found.state not in ("cooling", "awaiting_approval"):
        raise Refusal("erasure_state", f"It is {found.state}: it cannot be taken back any more.")
    moved = _move(
        session, scope, actor, found, "cancelled", "cancelled_by = :by, finished_at = now()"
    )
    session.execute(
        text(
            "UPDATE erasure_subject SET state = 'refused', detail = 'cancelled',"
            " finished_at = now() WHERE erasure_id = :id AND state = 'waiting'"
        ),
        {"id": erasure_id},
    )
    return moved


_ACCEPT = text(
    "UPDATE erasure SET search_at = now(), accepted = jsonb_build_object("
    " 'by', CAST(:by AS text), 'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " 'reason', CAST(:reason AS text)) WHERE id = :id"
)


def accept(session: Session, scope: Scope, actor: Actor, erasure_id: UUID, reason: str) -> Any:
    """Let it be certified with what was found (a word of the logs that is a login too, say), which the
    certificate names with who accepted it. Raises Missing, Refusal while nothing keeps it back."""
    found = erasures.read(session, scope, erasure_id, lock=True)
    if found.accepted is not None:
        return found
    if found.state != "running" or not (found.leftovers or {}).get("hits"):
        raise Refusal("erasure_state", f"It is {found.state}, and nothing found keeps it back.")
    session.execute(_ACCEPT, {"id": erasure_id, "by": actor.name, "reason": reason})
    taken = erasures.read(session, scope, erasure_id)
    _log(session, actor, "erasure.leftovers_accepted", taken, None, reason)
    return taken


def _move(session: Session, scope: Scope, actor: Actor, found: Any, state: str, also: str) -> Any:
    session.execute(
        text(f"UPDATE erasure SET state = :state, {also} WHERE id = :id"),
        {"state": state, "by": actor.name, "id": found.id},
    )
    moved = erasures.read(session, scope, found.id)
    action = "erasure.approved" if state == "cooling" else "erasure.cancelled"
    _log(session, actor, action, moved, {"state": found.state}, None)
    return moved


def _log(
    session: Session, actor: Actor, action: str, found: Any, before: Any, reason: str | None
) -> None:
    after = {"state": found.state, "mode": found.mode, "total": found.total}
    operations.record(
        session, actor, action, "erasure", found.id, operator_path=found.operator_path,
        before=before, after=after, reason=reason, personal=False,
    )  # fmt: skip
