"""Payment intents: a row first, then the gateway; whatever crashes, the poller finds how it ended.

No gateway is called inside a transaction. What it says is brought into the books by `settling.settle`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import dunning
from payments.domain import Erased, Refused, UnknownCustomer
from payments.gateways.checkout import Opened, Order
from payments.gateways.interface import Declined, Gateway, Unreachable
from payments.money import Money, exact
from payments.persistence import accounts, facts, intents
from payments.settings import PaymentsSettings
from shared import operations
from shared.operations import SYSTEM, Actor

# Between two looks of the poller; after the last one only the gateway's own word brings news.
BACKOFF = (
    *(timedelta(seconds=s) for s in (30, 60)),
    *(timedelta(minutes=m) for m in (2, 10, 30)),
    *(timedelta(hours=h) for h in (1, 3, 6, 12, 24)),
)
# A gateway that is away comes back within the hour or so; until it answers nothing is given up.
AWAY = timedelta(minutes=30)
# The payer's browser comes back at once, the gateway's own record a moment later.
SOON = timedelta(seconds=5)
# A page that is loaded again and again asks the gateway no more often.
APART = timedelta(seconds=2)
# Crockford's letters: none that a person on the telephone mistakes for another.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    customer_id: UUID
    money: Money
    return_url: str | None
    request_key: str


def reference() -> str:
    """20 letters and digits, 95 bits: unique, and no number of ours can be guessed from another."""
    return "T" + "".join(secrets.choice(LETTERS) for _ in range(19))


def create(
    session: Session, gateway: Gateway, wanted: Wanted, settings: PaymentsSettings, actor: Actor
) -> Any:
    """The intent of this request: a new one, or the one that it has already.

    Raises UnknownCustomer, Erased, Declined for an amount that the gateway can't take, and Refused
    when the account is in another currency or the key was used for another request.
    """
    known = facts.customers(session, [wanted.customer_id]).get(wanted.customer_id)
    if known is None:
        raise UnknownCustomer(wanted.customer_id)
    account = accounts.lock(session, [wanted.customer_id]).get(wanted.customer_id)
    if account is None or known.erased_at is not None:
        raise Erased(wanted.customer_id)
    if wanted.money.currency != account.currency:
        raise Refused("currency", f"this customer's account is in {account.currency}")
    gateway.check(wanted.money.amount, wanted.money.currency)
    row = {
        "id": uuid7(),
        "customer_id": wanted.customer_id,
        "operator_path": known.operator_path,
        "gateway": gateway.name,
        "amount": wanted.money.amount,
        "currency": wanted.money.currency,
        "reference": reference(),
        "return_url": wanted.return_url,
        "request_key": wanted.request_key,
        "created_by": actor.name,
    }
    lasting = timedelta(minutes=settings.gateways.intent_minutes)
    made = intents.insert(session, row, lasting)
    if made is None:
        return _again(intents.of_request(session, wanted.request_key), row)
    operations.record(
        session, actor, "payment_intent.created", "customer", wanted.customer_id,
        operator_path=known.operator_path,
        after={"intent_id": str(made.id), "gateway": gateway.name,
               "amount": str(wanted.money.amount), "currency": wanted.money.currency},
    )  # fmt: skip
    return made


def _again(found: Any, row: Mapping[str, Any]) -> Any:
    same = ("customer_id", "gateway", "amount", "currency", "return_url")
    if found is None or any(getattr(found, name) != row[name] for name in same):
        raise Refused("reused", "this Idempotency-Key was used for another request; take a new one")
    return found


def order(intent: Any, settings: PaymentsSettings) -> Order:
    public = settings.gateways.public_url or settings.urls["payments"]
    return Order(
        intent_id=intent.id,
        reference=intent.reference,
        amount=exact(intent.amount, intent.currency),
        currency=intent.currency,
        return_url=f"{public}/v1/payment-intents/{intent.id}/return",
        notify_url=f"{public}/v1/webhooks/{intent.gateway}",
        expires_at=intent.expires_at,
    )


@dataclass(frozen=True)
class Opening:
    """What the gateway made of an order: a checkout, a refusal, or no answer; or why it was not asked."""

    opened: Opened | None = None
    refusal: str | None = None
    silence: str | None = None
    needless: str | None = None


def call_open(gateway: Gateway, intent: Any, settings: PaymentsSettings) -> Opening:
    """Outside any transaction."""
    try:
        return Opening(opened=gateway.open(order(intent, settings)))
    except Declined as error:
        return Opening(refusal=str(error))
    except Unreachable as error:
        return Opening(silence=str(error)[:200])


def note_opening(session: Session, intent: Any, opening: Opening) -> None:
    """Keep what came of it. After silence the poller opens it, or finds that nobody could pay."""
    if opening.opened is not None:
        intents.opened(session, intent.id, opening.opened.session, opening.opened.redirect_url)
        # Of a stored method it is known at once, unless its owner is asked for a PIN.
        first = BACKOFF[0] if intent.method_id is None else timedelta(0)
        intents.ask_again(session, intent.id, first, None)
    elif opening.refusal is not None:
        end(session, intent, "failed", opening.refusal)
    elif opening.needless is not None:
        intents.conclude(session, intent.id, "expired", failure=opening.needless)
    elif intents.find(session, intent.id).state == "created":  # a twin may have been quicker
        intents.ask_again(session, intent.id, SOON, opening.silence)


def end(
    session: Session, intent: Any, state: str, failure: str | None, after: timedelta | None = None
) -> None:
    """Nothing was paid; of an automatic payment that is an error (C29). `after`: a late look."""
    if intent.method_id is not None:
        accounts.lock(session, [intent.customer_id])
        now = intents.locked(session, intent.id)
        if now is None or now.state not in intents.OPEN:
            return
        # A gateway that was away all the time says nothing of the customer.
        answered = state == "failed" or now.gateway_session is not None
        dunning.auto_payment_missed(session, now, failure or state, counts=answered)
    intents.conclude(session, intent.id, state, failure=failure, after=after)
    operations.record(
        session, SYSTEM, f"payment_intent.{state}", "customer", intent.customer_id,
        operator_path=intent.operator_path,
        before={"intent_id": str(intent.id), "state": intent.state},
        after={"intent_id": str(intent.id), "state": state, "failure": failure},
    )  # fmt: skip
