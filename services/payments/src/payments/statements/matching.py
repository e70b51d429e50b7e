"""Lines of a statement with payments and gateways' transactions: what agrees, and what somebody must see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments.domain import Refused
from payments.persistence import statement_lines as stored
from shared import operations
from shared.operations import Actor


def match(session: Session, line_id: UUID, payment_id: UUID, actor: Actor) -> None:
    """By hand, when somebody knows better. Raises LookupError outside the branch, Refused."""
    line = _open(session, line_id)
    payment = stored.payment(session, payment_id)
    if payment is None:
        raise LookupError(payment_id)
    if payment.currency != line.currency or payment.status == "voided":
        raise Refused("not_this_payment", "the payment is void or of another currency")
    if stored.is_matched(session, payment_id):
        raise Refused("payment_matched", "this payment's money is on another line already")
    stored.set_matched(session, line_id, payment_id, actor.name)
    _log(session, actor, "statement_line.matched", line, {"payment_id": str(payment_id)}, None)


def ignore(session: Session, line_id: UUID, reason: str, actor: Actor) -> None:
    """No payment of a customer. Raises LookupError outside the branch, Refused."""
    line = _open(session, line_id)
    stored.set_ignored(session, line_id, actor.name)
    _log(session, actor, "statement_line.ignored", line, {}, reason)


def _open(session: Session, line_id: UUID) -> Any:
    line = stored.locked(session, line_id)
    if line is None:
        raise LookupError(line_id)
    if line.state != "open":
        raise Refused("line_decided", f"this line is {line.state} already")
    return line


def _log(
    session: Session,
    actor: Actor,
    action: str,
    line: Any,
    after: dict[str, Any],
    reason: str | None,
) -> None:
    operations.record(
        session, actor, action, "statement_line", line.id, personal=False, reason=reason,
        operator_path=line.operator_path, before={"exception": line.exception}, after=after,
    )  # fmt: skip
