"""A card becomes a payment, once, whoever asks at the same moment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import collection
from payments.cards import pins
from payments.domain import PaymentDraft
from payments.persistence import accounts, bills, cards, facts, ledger
from payments.persistence.ledger import Entry, Posting
from payments.settings import PaymentsSettings
from shared.operations import Actor


class NotRedeemable(Exception):
    """Unknown, used, expired, not issued, another branch's: who guesses learns none of it."""


def redeem(
    session: Session, pin: str, username: str, settings: PaymentsSettings, actor: Actor
) -> UUID:
    """Credit the card's value to the customer of the caller's branch; the payment's id.

    The operator of the batch earns the commission that was fixed when it was made. Raises NotRedeemable.
    """
    customer = cards.living_customer(session, username.strip().lower())
    locked = accounts.lock(session, [customer.id]) if customer is not None else {}
    if not locked:
        raise NotRedeemable
    payment_id = uuid7()
    card = cards.use(
        session,
        pins.digest(pins.normal(pin), pins.pin_key(settings.digest_key)),
        locked[customer.id],
        payment_id,
    )
    if card is None:
        raise NotRedeemable
    collection.record(
        session, [_draft(session, payment_id, locked[customer.id], card, actor)], settings, actor
    )
    if card.commission:
        at = bills.now(session)
        ledger.post(session, [_commission(locked[customer.id], payment_id, card, at)], actor.id)
    return payment_id


def _draft(
    session: Session, payment_id: UUID, account: Any, card: Any, actor: Actor
) -> PaymentDraft:
    now = bills.now(session)
    return PaymentDraft(
        id=payment_id,
        customer_id=account.customer_id,
        amount=card.value,
        currency=account.currency,
        method="recharge_card",
        paid_at=now,
        recorded_at=now,
        operator_id=actor.id,
        operator_name=facts.operator_name(session, actor.id, actor.name),
        receipt_owner=actor.name,
        transaction_reference=card.serial,
    )


def _commission(account: Any, payment_id: UUID, card: Any, at: Any) -> Posting:
    return Posting(
        kind="commission",
        customer_id=account.customer_id,
        payment_id=payment_id,
        currency=account.currency,
        effective_at=at,
        entries=(
            Entry("commission", card.commission),
            Entry("commission_due", -card.commission, card.operator_id),
        ),
    )


def take_commission_back(session: Session, payment: Any, at: Any, actor: Actor) -> None:
    """For a card's payment that never was: nothing was earned by it."""
    earned = cards.commission_of(session, payment.id)
    total = sum((-row.amount for row in earned), Decimal(0))
    if total > 0:
        back = [Entry("commission_due", -row.amount, row.holder) for row in earned]
        ledger.post(
            session,
            [
                Posting(
                    kind="commission_reversal", customer_id=payment.customer_id,
                    payment_id=payment.id, currency=payment.currency, effective_at=at,
                    entries=(Entry("commission", -total), *back),
                )
            ],
            actor.id,
        )  # fmt: skip
