"""Money at a gateway into the books: one way for webhook, return page, poller, settlement file.

Whoever inserts the row of (gateway, transaction) first deals with it; everybody else finds it done.
Money that fits its intent is credited; all other money goes to a person, never to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from payments import collection
from payments.domain import Erased, PaymentDraft, Refused, UnknownCustomer, erased_reference
from payments.gateways.interface import Found, Gateway
from payments.persistence import accounts, bills, claims, facts, intents
from payments.settings import PaymentsSettings
from shared import operations
from shared.operations import Actor

Source = Literal["webhook", "return", "poll", "settlement", "manual"]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A payment that the gateway itself has confirmed, and when its first word of it reached us.

    `hint` is the intent that the payment is said to be for, where the gateway names none.
    """

    gateway: Gateway
    found: Found
    source: Source
    received_at: datetime
    hint: UUID | None = None

    @property
    def transaction(self) -> str:
        assert self.found.transaction is not None, "paid without a transaction"
        return self.found.transaction

    @property
    def actor(self) -> Actor:
        return Actor(name=self.gateway.name)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`known`: the transaction was dealt with before."""

    kind: Literal["credited", "review", "known"]
    intent_id: UUID | None = None
    customer_id: UUID | None = None
    path: str = ""
    payment_id: UUID | None = None
    erased: bool = False


def settle(session: Session, arrival: Arrival, settings: PaymentsSettings) -> Outcome:
    """Claim, judge, and credit or ask for a review: one transaction, in which nothing is called."""
    known_as = names(arrival.transaction, settings)
    row = {
        "gateway": arrival.gateway.name,
        "transaction": known_as[0],
        "digest": known_as[1],
        "amount": arrival.found.amount,
        "currency": arrival.found.currency,
        "source": arrival.source,
        "received_at": arrival.received_at,
    }
    if not claims.claim(session, row):
        known = claims.claimed(session, arrival.gateway.name, known_as)
        return Outcome(
            kind="known", intent_id=known.intent_id, customer_id=known.customer_id,
            path=known.operator_path, payment_id=known.payment_id,
            erased=known.transaction != arrival.transaction,
        )  # fmt: skip
    intent = intent_of(session, arrival, settings)
    if intent is None:
        return _review(session, arrival, None, "unknown_intent")
    overdue = _overdue(session, intent.customer_id)
    intent = intents.locked(session, intent.id)
    if intent is None:  # removed by an erasure that was quicker
        return _review(session, arrival, None, "unknown_intent")
    cause = cause_for_review(intent, arrival.found)
    if cause is not None:
        return _review(session, arrival, intent, cause)
    return _credit(session, arrival, intent, settings, was_overdue=overdue)


def _overdue(session: Session, customer_id: UUID) -> bool:
    """Whether the account is overdue; it is locked from here on."""
    account = accounts.lock(session, [customer_id]).get(customer_id)
    return account is not None and bool(account.overdue)


def names(value: str, settings: PaymentsSettings) -> list[str]:
    """A transaction or reference, and what stands for it after its customer's erasure."""
    return [value, erased_reference(value, settings.digest_key)]


def intent_of(session: Session, arrival: Arrival, settings: PaymentsSettings) -> Any:
    """By the reference that the gateway confirms; a hint is shown to people and proves nothing."""
    if arrival.found.reference is not None:
        references = names(arrival.found.reference, settings)
        return intents.by_reference(session, arrival.gateway.name, references)
    return None


def cause_for_review(intent: Any, found: Found) -> str | None:
    """Why this money may not be credited by itself; None when it may (gateways 5.6 (6)).

    An intent that has failed or expired meanwhile is no reason: what was paid for it is paid.
    """
    if intent.payment_id is not None:
        return "second_payment"
    if found.currency != intent.currency:
        return "wrong_currency"
    if found.amount != intent.amount:
        return "wrong_amount"
    return "risk" if found.risky else None


def draft(
    session: Session, arrival_title: str, gateway: str, customer_id: UUID, money: Any
) -> PaymentDraft:
    """The payment to record: by the gateway, not by an operator (E10)."""
    known = facts.customers(session, [customer_id]).get(customer_id)
    if known is None:
        raise UnknownCustomer(customer_id)
    now = bills.now(session)
    paid_at = money.paid_at or now
    return PaymentDraft(
        customer_id=customer_id,
        amount=money.amount,
        currency=money.currency,
        method=gateway,
        # Its clock may run before ours; a payment is never of the future.
        paid_at=min(paid_at, now),
        recorded_at=now,
        operator_id=None,
        operator_name=arrival_title,
        receipt_owner=known.operator_username or known.operator_name,
        gateway=gateway,
        transaction_reference=money.transaction,
    )


def _credit(
    session: Session,
    arrival: Arrival,
    intent: Any,
    settings: PaymentsSettings,
    *,
    was_overdue: bool,
) -> Outcome:
    gateway = arrival.gateway
    try:
        wanted = draft(session, gateway.title, gateway.name, intent.customer_id, arrival.found)
        (payment_id,) = collection.record(session, [wanted], settings, arrival.actor)
    except (Erased, UnknownCustomer):
        return _review(session, arrival, intent, "erased_customer")
    except Refused as error:
        return _refused(session, arrival, intent, settings, error)
    lifts = was_overdue and not _overdue(session, intent.customer_id)
    _succeeded(session, arrival, intent, payment_id, lifts=lifts)
    return Outcome(
        kind="credited", intent_id=intent.id, customer_id=intent.customer_id,
        path=intent.operator_path, payment_id=payment_id,
    )  # fmt: skip


def _refused(
    session: Session, arrival: Arrival, intent: Any, settings: PaymentsSettings, error: Refused
) -> Outcome:
    """A cashier may have typed the transaction in before us: then the money is in the books."""
    if error.code != "duplicate_transaction":
        return _review(session, arrival, intent, "refused")
    known_as = names(arrival.transaction, settings)
    booked = claims.booked(session, arrival.gateway.name, known_as)
    same = booked is not None and (booked.customer_id, booked.amount, booked.currency) == (
        intent.customer_id, intent.amount, intent.currency,
    )  # fmt: skip
    if not same:
        return _review(session, arrival, intent, "recorded_by_hand")
    _succeeded(session, arrival, intent, booked.id)
    return Outcome(
        kind="known", intent_id=intent.id, customer_id=intent.customer_id,
        path=intent.operator_path, payment_id=booked.id,
    )  # fmt: skip


def _succeeded(
    session: Session, arrival: Arrival, intent: Any, payment_id: UUID, *, lifts: bool = False
) -> None:
    claims.belongs(
        session, arrival.gateway.name, arrival.transaction, customer_id=intent.customer_id,
        path=intent.operator_path, intent_id=intent.id, payment_id=payment_id, lifts=lifts,
    )  # fmt: skip
    intents.conclude(session, intent.id, "succeeded", payment_id=payment_id)
    operations.record(
        session, arrival.actor, "payment_intent.succeeded", "customer", intent.customer_id,
        operator_path=intent.operator_path,
        before={"intent_id": str(intent.id), "state": intent.state},
        after={"intent_id": str(intent.id), "state": "succeeded", "payment_id": str(payment_id),
               "by": arrival.source},
    )  # fmt: skip


def _review(session: Session, arrival: Arrival, intent: Any, cause: str) -> Outcome:
    """Nothing is credited; the money waits in the queue with what an operator has to know."""
    found, name = arrival.found, arrival.gateway.name
    customer_id = intent.customer_id if intent is not None else None
    path = intent.operator_path if intent is not None else ""
    intent_id = intent.id if intent is not None else arrival.hint
    claims.belongs(
        session, name, arrival.transaction, customer_id=customer_id, path=path,
        intent_id=intent_id, payment_id=None,
    )  # fmt: skip
    review_id = claims.open_review(session, {
        "gateway": name, "transaction": arrival.transaction, "intent_id": intent_id,
        "customer_id": customer_id, "operator_path": path, "amount": found.amount,
        "currency": found.currency, "cause": cause,
        "expected_amount": intent.amount if intent is not None else None,
        "expected_currency": intent.currency if intent is not None else None,
        "paid_at": found.paid_at or arrival.received_at,
    })  # fmt: skip
    if intent is not None and intent.payment_id is None:
        intents.conclude(session, intent.id, "needs_review", failure=cause)
    operations.record(
        session, arrival.actor, "payment_review.opened", "customer", customer_id,
        operator_path=path,
        after={"review_id": str(review_id), "cause": cause, "amount": str(found.amount),
               "currency": found.currency, "by": arrival.source},
    )  # fmt: skip
    return Outcome(
        kind="review", intent_id=intent_id, customer_id=customer_id, path=path,
        erased=cause == "erased_customer",
    )  # fmt: skip
