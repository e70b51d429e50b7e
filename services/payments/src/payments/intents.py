"""Payment intents: a row first, then the gateway; whatever crashes, the poller finds how it ended.

No gateway is called inside a transaction. What it says is brought into the books by `settling.settle`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.domain import Erased, Refused, UnknownCustomer
from payments.gateways.interface import (
    Clue,
    Declined,
    Found,
    Gateway,
    Opened,
    Order,
    Unreachable,
)
from payments.money import Money, exact
from payments.persistence import accounts, facts, intents
from payments.settings import PaymentsSettings
from payments.settling import Arrival, Outcome, Source, settle
from shared import operations
from shared.database import Database
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
    """What the gateway made of an order: a checkout, a refusal, or no answer."""

    opened: Opened | None = None
    refusal: str | None = None
    silence: str | None = None


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
        intents.ask_again(session, intent.id, BACKOFF[0], None)
    elif opening.refusal is not None:
        intents.conclude(session, intent.id, "failed", failure=opening.refusal)
        _log(session, intent, "failed", opening.refusal)
    elif intents.find(session, intent.id).state == "created":  # a twin may have been quicker
        intents.ask_again(session, intent.id, SOON, opening.silence)


# ---------------------------------------------------------------- asking the gateway
def came_back(
    database: Database, gateway: Gateway, intent_id: UUID, settings: PaymentsSettings
) -> None:
    """The payer is back on our page: ask the gateway at once, whatever the page was told."""
    with database.transaction() as session:
        intent = intents.lease_one(session, intent_id, APART)
    if intent is not None:
        check(database, gateway, intent, settings, "return")


def check(
    database: Database, gateway: Gateway, intent: Any, settings: PaymentsSettings, source: Source
) -> Outcome | None:
    """Ask what became of an intent and bring it into the books; None when nothing was paid (yet).

    What the gateway can't be asked now is asked later; it raises nothing of the gateway's.
    """
    if intent.state == "created" and intent.expires_at > datetime.now(UTC):
        opening = call_open(gateway, intent, settings)
        with database.transaction() as session:
            note_opening(session, intent, opening)
        return None
    clue = Clue(reference=intent.reference, session=intent.gateway_session)
    asked_at = datetime.now(UTC)
    try:
        found = gateway.find(clue)
    except (Unreachable, Declined) as error:
        with database.transaction() as session:
            wait = min(BACKOFF[min(intent.checks, len(BACKOFF) - 1)], AWAY)
            intents.ask_again(session, intent.id, wait, f"not answered: {error}"[:200])
        return None
    with database.transaction() as session:
        return conclude(session, gateway, intent, found, settings, source, asked_at)


def conclude(
    session: Session,
    gateway: Gateway,
    intent: Any,
    found: Found,
    settings: PaymentsSettings,
    source: Source,
    received_at: datetime,
) -> Outcome | None:
    """Bring what the gateway said of an intent into the books."""
    if found.state == "paid":
        arrival = Arrival(
            gateway=gateway, found=found, source=source, received_at=received_at, hint=intent.id
        )
        outcome = settle(session, arrival, settings)
        if outcome.intent_id != intent.id or outcome.kind == "known":
            _not_this_one(session, intent)
        return outcome
    now = intents.locked(session, intent.id)
    if now is None or now.state not in ("created", "pending", "failed", "expired"):
        return None
    later = _later(now)
    late = now.expires_at <= datetime.now(UTC)
    if now.state in intents.OPEN and (found.state == "failed" or late):
        state = "failed" if found.state == "failed" else "expired"
        intents.conclude(session, now.id, state, failure=found.failure, after=later)
        _log(session, now, state, found.failure)
    else:
        intents.ask_again(session, now.id, later, now.failure if now.finished_at else None)
    return None


def _later(intent: Any) -> timedelta | None:
    """The next look, for money that comes late and that nobody tells of; None after the last one."""
    return BACKOFF[intent.checks] if intent.checks < len(BACKOFF) else None


def _not_this_one(session: Session, intent: Any) -> None:
    """The money found was dealt with before, or is another intent's: no more looks for it here."""
    now = intents.locked(session, intent.id)
    if now is None or now.next_check_at is None:
        return
    if now.state in intents.OPEN and now.expires_at <= datetime.now(UTC):
        intents.conclude(session, now.id, "expired", after=_later(now))
        _log(session, now, "expired", None)
    else:
        intents.ask_again(session, now.id, _later(now), now.failure)


def _log(session: Session, intent: Any, state: str, failure: str | None) -> None:
    operations.record(
        session, SYSTEM, f"payment_intent.{state}", "customer", intent.customer_id,
        operator_path=intent.operator_path,
        before={"intent_id": str(intent.id), "state": intent.state},
        after={"intent_id": str(intent.id), "state": state, "failure": failure},
    )  # fmt: skip
