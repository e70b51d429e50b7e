"""Money that could not be credited by itself: a person with a permission of its own decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import collection, giving_back
from payments.domain import Refused
from payments.gateways.interface import Gateway
from payments.persistence import accounts, claims, gateway_refunds, intents, payments
from payments.settings import PaymentsSettings
from payments.settling import draft
from shared import operations
from shared.operations import Actor

# What an operator has to do for each cause, as lists show it.
TO_DO = {
    "unknown_intent": "Find out whose money it is; approve for that customer, or reject and give back.",
    "wrong_amount": "Compare with the gateway's account; approve what was really paid, or give back.",
    "wrong_currency": "Ask the customer; the account takes one currency: give it back.",
    "risk": "The bank finds this card risky: ask the payer, then approve, or reject and give back.",
    "second_payment": "Paid twice: ask the customer; approve as money on account, or give back.",
    "recorded_by_hand": "A payment with this reference is in the books: compare, void one, or reject.",
    "erased_customer": "The customer was erased: give the money back.",
    "refused": "The books refuse it: look at the account's currency, then approve or give back.",
    "disputed": "The payer disputes it at the bank: answer at the gateway. It is booked when the bank has"
    " decided; approve to book the money as given back now.",
    "refunded_elsewhere": "Money of it was given back at the gateway and does not fit the books: compare;"
    " approve to book it as given back, or reject.",
}


@dataclass(frozen=True)
class Verified:
    """The money of a review, as the gateway confirmed it."""

    amount: Decimal
    currency: str
    paid_at: datetime
    transaction: str


def approve(
    session: Session,
    gateway_title: str,
    review_id: UUID,
    customer_id: UUID | None,
    reason: str,
    settings: PaymentsSettings,
    actor: Actor,
) -> None:
    """Credit what was really paid, to the customer of the intent or the one given.

    Raises LookupError outside the caller's branch, UnknownCustomer, Erased, Refused: decided already,
    no customer, or what stands against any payment.
    """
    seen = claims.review(session, review_id)
    if seen is None:
        raise LookupError(review_id)
    if seen.cause in giving_back.RETURNS:
        _approve_return(session, seen, reason, actor)
        return
    customer_id = customer_id or seen.customer_id
    if customer_id is None:
        raise Refused("customer_needed", "nobody knows yet whose money this is: send customer_id")
    accounts.lock(session, [customer_id])
    row = _open(session, review_id)
    money = Verified(row.amount, row.currency, row.paid_at, row.transaction)
    wanted = draft(session, gateway_title, row.gateway, customer_id, money)
    (payment_id,) = collection.record(session, [wanted], settings, actor, override=reason)
    payment = payments.locked(session, payment_id)
    claims.belongs(
        session, row.gateway, row.transaction, customer_id=customer_id, path=payment.operator_path,
        intent_id=row.intent_id, payment_id=payment_id,
    )  # fmt: skip
    claims.decide(session, review_id, "approved", actor.name, reason, payment)
    _end_intent(session, row, "succeeded", payment_id)
    _log(session, actor, "payment_review.approved", payment.customer_id, payment.operator_path,
         row, reason, payment_id)  # fmt: skip


def _approve_return(session: Session, seen: Any, reason: str, actor: Actor) -> None:
    """Money has left: it is booked as given back, of the payment that it was part of."""
    accounts.lock(session, [seen.customer_id])
    row = _open(session, seen.id)
    giving_back.approve(session, row, reason, actor)
    claims.decide(session, row.id, "approved", actor.name, reason)
    _log(session, actor, "payment_review.approved", row.customer_id, row.operator_path, row, reason,
         row.payment_id)  # fmt: skip


def reject(
    session: Session,
    gateway: Gateway | None,
    review_id: UUID,
    reason: str,
    actor: Actor,
    *,
    give_back: bool,
) -> None:
    """Credit nothing; `give_back` sends the money back through the gateway.

    Raises LookupError, Refused.
    """
    row = _open(session, review_id)
    if give_back and row.cause in giving_back.RETURNS:
        raise Refused("given_back", "this money has left already: reject it without give_back")
    if give_back:
        if gateway is None or not gateway.refunds:
            raise Refused("no_refunds", "this gateway gives nothing back by program: do it there")
        gateway_refunds.insert(session, {
            "gateway": row.gateway, "transaction": row.transaction, "review_id": row.id,
            "customer_id": row.customer_id, "operator_path": row.operator_path,
            "amount": row.amount, "currency": row.currency, "reason": reason, "by": actor.name,
        })  # fmt: skip
    claims.decide(session, review_id, "rejected", actor.name, reason)
    _end_intent(session, row, "failed", None)
    _log(session, actor, "payment_review.rejected", row.customer_id, row.operator_path, row,
         reason, None)  # fmt: skip


def _open(session: Session, review_id: UUID) -> Any:
    row = claims.locked_review(session, review_id)
    if row is None:
        raise LookupError(review_id)
    if row.state != "open":
        raise Refused("already_decided", f"this was {row.state} by {row.decided_by} already")
    return row


def _end_intent(session: Session, row: Any, state: str, payment_id: UUID | None) -> None:
    intent = intents.locked(session, row.intent_id) if row.intent_id is not None else None
    if intent is not None and intent.state == "needs_review":
        intents.conclude(session, intent.id, state, payment_id=payment_id)


def _log(
    session: Session,
    actor: Actor,
    action: str,
    customer_id: UUID | None,
    path: str,
    row: Any,
    reason: str,
    payment_id: UUID | None,
) -> None:
    operations.record(
        session, actor, action, "customer", customer_id, operator_path=path, reason=reason,
        before={"review_id": str(row.id), "cause": row.cause, "amount": str(row.amount),
                "currency": row.currency},
        after={"payment_id": str(payment_id) if payment_id else None},
    )  # fmt: skip
