"""Void and refund: two words for two things. Void: the payment never was. Refund: the money went back.

Both add to the ledger and take nothing away (peers 2.4).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import domain
from payments.cards.redeeming import take_commission_back
from payments.domain import Refused
from payments.money import Money, exact
from payments.persistence import accounts, bills, ledger, payments
from payments.persistence.ledger import Entry, Posting
from payments.publishing import close, payment_event
from shared import operations
from shared.events import PaymentRefunded, PaymentVoided
from shared.operations import Actor


def void(session: Session, payment_id: UUID, reason: str, actor: Actor) -> None:
    """Raises LookupError outside the caller's branch, Refused when it can't be void any more."""
    row, locked = _locked(session, payment_id)
    domain.check_void_payment(row.status)
    at = bills.now(session)
    were_paid = ledger.release(session, actor.id, at, payments=[payment_id])
    payments.mark_void(session, payment_id)
    ledger.post(session, [_back(row, "payment_void", row.amount, at, row.operator_id)], actor.id)
    if row.method == "recharge_card":
        take_commission_back(session, row, at, actor)
    _log(session, actor, "payment.voided", row, "voided", row.amount, reason)
    close(session, actor, locked, [payment_event(PaymentVoided, row)], at, were_paid=were_paid)


def refund(
    session: Session, payment_id: UUID, wanted: Money | None, reason: str, actor: Actor
) -> Decimal:
    """Give `wanted` of a payment back, or all that is left: unused money first, then that of the
    latest bills. How much it was.

    Raises LookupError outside the caller's branch, Refused for more than is left.
    """
    row, locked = _locked(session, payment_id)
    if wanted is not None and wanted.currency != row.currency:
        raise Refused("currency", f"this payment is in {row.currency}")
    amount = row.amount - row.refunded if wanted is None else wanted.amount
    paid, given_back = (exact(each, row.currency) for each in (row.amount, row.refunded))
    domain.check_refund(row.status, paid, given_back, amount)
    at = bills.now(session)
    # What stays of the payment is matched anew, oldest bill first, so the latest bills lose it.
    were_paid = ledger.release(session, actor.id, at, payments=[payment_id])
    refunded = row.refunded + amount
    payments.mark_refunded(session, payment_id, refunded, domain.refund_state(row.amount, refunded))
    ledger.post(session, [_back(row, "refund", amount, at, _payer(row, actor))], actor.id)
    _log(session, actor, "payment.refunded", row, domain.refund_state(row.amount, refunded),
         amount, reason)  # fmt: skip
    close(
        session, actor, locked, [payment_event(PaymentRefunded, row, amount)], at,
        were_paid=were_paid,
    )  # fmt: skip
    return amount


def _locked(session: Session, payment_id: UUID) -> tuple[Any, dict[UUID, Any]]:
    customer_id = payments.customer_of(session, payment_id)
    if customer_id is None:
        raise LookupError(payment_id)
    locked = accounts.lock(session, [customer_id])
    row = payments.locked(session, payment_id)
    if row is None:
        raise LookupError(payment_id)
    return row, locked


def _payer(row: Any, actor: Actor) -> UUID | None:
    """Cash leaves the drawer of who pays it out: what came in may have been handed over since."""
    if row.method == "cash" and actor.id is not None:
        return actor.id
    holder: UUID | None = row.operator_id
    return holder


def _back(row: Any, kind: str, amount: Decimal, at: Any, holder: UUID | None) -> Posting:
    return Posting(
        kind=kind,
        customer_id=row.customer_id,
        payment_id=row.id,
        currency=row.currency,
        effective_at=at,
        entries=(
            Entry("credit", amount),
            Entry("cash", -amount, holder, row.method),
        ),
    )


def _log(
    session: Session, actor: Actor, action: str, row: Any, status: str, amount: Decimal, reason: str
) -> None:
    operations.record(
        session, actor, action, "customer", row.customer_id,
        operator_path=row.operator_path, reason=reason,
        before={"payment_id": str(row.id), "status": row.status, "refunded": str(row.refunded)},
        after={"payment_id": str(row.id), "status": status, "amount": str(amount)},
    )  # fmt: skip
