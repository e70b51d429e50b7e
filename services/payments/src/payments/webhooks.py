"""Deliveries of gateways: kept as they came, verified, answered, and worked on afterwards.

What a delivery says is never believed: it names a payment, and the gateway is asked about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import intents
from payments.domain import Refused
from payments.gateways.interface import (
    Clue,
    Declined,
    Delivery,
    Forged,
    Found,
    Gateway,
    Notice,
    Unreachable,
    Unreadable,
)
from payments.persistence import deliveries
from payments.persistence import intents as stored_intents
from payments.settings import PaymentsSettings
from payments.settling import Arrival, Outcome, intent_of, settle
from shared import operations
from shared.database import Database
from shared.operations import Actor

# No gateway sends more (reliability 4, API4).
MOST_BODY = 256 * 1024
# Twice what a gateway's retries and a mistyped secret cause; more is somebody guessing. Above it
# forged requests are refused without being kept; genuine ones are never held up.
FORGED_A_MINUTE = 60
# Between two tries; about two days in all, after which an operator replays it.
BACKOFF = (
    *(timedelta(seconds=s) for s in (2, 10, 30)),
    *(timedelta(minutes=m) for m in (2, 10, 30)),
    *(timedelta(hours=h) for h in (1, 3, 6, 12, 24)),
)
# Money of no intent of ours is looked for so often; then the delivery spoke of nothing.
LOOKS = 4
# What headers may tell of a delivery; the others are the proxy's, or secrets.
KEPT_HEADERS = frozenset({
    "content-type", "user-agent", "stripe-signature", "x-amz-sns-message-type",
    "x-amz-sns-message-id", "x-amz-sns-topic-arn", "x-request-id",
})  # fmt: skip

Verdict = Literal["genuine", "forged", "unsigned", "unknown", "too_many"]


@dataclass(frozen=True, kw_only=True)
class Received:
    """`unknown`: kept, but it could not be verified yet."""

    verdict: Verdict
    delivery_id: UUID | None = None


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """In lower case, without NUL and other characters that PostgreSQL refuses."""
    return {
        name.lower(): value.encode("ascii", "replace").decode().replace("\x00", "")[:2000]
        for name, value in headers.items()
        if name.lower() in KEPT_HEADERS
    }


def receive(
    database: Database, gateway: Gateway, address: str, headers: Mapping[str, str], body: bytes
) -> Received:
    """Keep it, verify it; what is `genuine` or `unknown` is worked on by the worker."""
    kept = kept_headers(headers)
    with database.transaction() as session:
        crowded = deliveries.forged_lately(session, address) >= FORGED_A_MINUTE
        now = deliveries.moment(session)
    if crowded and _verify(gateway, Delivery(headers=kept, body=body, received_at=now)) == "forged":
        return Received(verdict="too_many")
    delivery_id = uuid7()
    with database.transaction() as session:
        received_at = deliveries.store(session, delivery_id, gateway.name, address, kept, body)
    verdict = note_verdict(
        database, gateway, delivery_id, Delivery(headers=kept, body=body, received_at=received_at)
    )
    return Received(verdict=verdict, delivery_id=delivery_id)


def _verify(gateway: Gateway, delivery: Delivery) -> Verdict:
    try:
        gateway.verify(delivery)
        gateway.read(delivery)
    except (Forged, Unreadable):
        return "forged"
    except Unreachable:
        return "unknown"
    return "genuine" if gateway.signs else "unsigned"


def note_verdict(
    database: Database, gateway: Gateway, delivery_id: UUID, delivery: Delivery
) -> Verdict:
    """Verify a delivery that is kept already; outside any transaction, since a certificate may be
    fetched."""
    verdict = _verify(gateway, delivery)
    with database.transaction() as session:
        if verdict == "forged":
            deliveries.refuse(session, delivery_id, "forged", "not signed by the gateway")
        elif verdict == "unknown":
            deliveries.later(session, delivery_id, BACKOFF[0], "could not be verified yet")
        else:
            event_id = gateway.read(delivery).event_id
            deliveries.accept(session, delivery_id, gateway.name, verdict, event_id)
    return verdict


# ---------------------------------------------------------------- afterwards
def process(database: Database, gateway: Gateway, row: Any, settings: PaymentsSettings) -> None:
    """Do what a leased delivery asks for. What can't be done now is done later."""
    delivery = Delivery(headers=row.headers, body=bytes(row.body), received_at=row.received_at)
    try:
        if row.verdict is None:
            # Whoever took it in died before it was verified; the next turn works on it.
            note_verdict(database, gateway, row.id, delivery)
        else:
            _act(database, gateway, row, delivery, settings)
    except (Unreachable, Declined) as error:
        wait = BACKOFF[row.attempts - 1] if row.attempts <= len(BACKOFF) else None
        with database.transaction() as session:
            deliveries.later(session, row.id, wait, f"not answered: {error}"[:200])


def _act(
    database: Database, gateway: Gateway, row: Any, delivery: Delivery, settings: PaymentsSettings
) -> None:
    notice = gateway.read(delivery)
    if notice.about == "subscription":
        gateway.confirm(delivery)
        _done(database, row, "processed", "subscribed")
    elif notice.about == "nothing":
        _nothing(database, gateway, row, notice)
    else:
        _payment(database, gateway, row, notice, settings)


def _done(database: Database, row: Any, state: str, outcome: str) -> None:
    with database.transaction() as session:
        deliveries.done(session, row.id, state, outcome)


def _nothing(database: Database, gateway: Gateway, row: Any, notice: Notice) -> None:
    """Not about money that came; if it names an intent of ours the gateway is asked soon."""
    with database.transaction() as session:
        intent = None
        if notice.clue.reference is not None:
            intent = stored_intents.by_reference(session, gateway.name, [notice.clue.reference])
        if intent is None:
            deliveries.done(session, row.id, "ignored", "about nothing of ours")
            return
        stored_intents.ask_soon(session, intent.id, intents.SOON)
        deliveries.done(
            session, row.id, "processed", "the gateway is asked", intent_id=intent.id,
            customer_id=intent.customer_id, path=intent.operator_path,
        )  # fmt: skip


def _payment(
    database: Database, gateway: Gateway, row: Any, notice: Notice, settings: PaymentsSettings
) -> None:
    told = notice.clue
    with database.transaction() as session:
        intent = _told_of(session, gateway, told)
    found = gateway.find(
        Clue(
            reference=told.reference,
            session=told.session or (intent.gateway_session if intent is not None else None),
            transaction=told.transaction,
        )
    )
    if found.state != "paid":
        _unpaid(database, gateway, row, intent, found)
        return
    with database.transaction() as session:
        arrival = Arrival(
            gateway=gateway, found=found, source="webhook", received_at=row.received_at,
            hint=intent.id if intent is not None else None,
        )  # fmt: skip
        meant = intent_of(session, arrival, settings) or intent
        outcome = _settle(session, gateway, meant, arrival, settings)
        _note(session, row, outcome)


def _settle(
    session: Session, gateway: Gateway, intent: Any, arrival: Arrival, settings: PaymentsSettings
) -> Outcome:
    """As for everybody else; an intent that is named gets its own end told."""
    if intent is None:
        return settle(session, arrival, settings)
    outcome = intents.conclude(
        session, gateway, intent, arrival.found, settings, "webhook", arrival.received_at
    )
    assert outcome is not None, "paid has an outcome"
    return outcome


def _told_of(session: Session, gateway: Gateway, told: Clue) -> Any:
    if told.reference is not None:
        found = stored_intents.by_reference(session, gateway.name, [told.reference])
        if found is not None:
            return found
    if told.session is not None:
        return stored_intents.by_session(session, gateway.name, told.session)
    return None


def _unpaid(database: Database, gateway: Gateway, row: Any, intent: Any, found: Found) -> None:
    """The gateway does not confirm it (yet)."""
    if intent is None:
        if row.verdict == "unsigned":
            with database.transaction() as session:
                deliveries.refuse(session, row.id, "forged", "the gateway knows of no such payment")
        elif row.attempts < LOOKS:
            raise Unreachable("nothing is paid yet")
        else:
            _done(database, row, "ignored", "the gateway knows of no such payment")
        return
    with database.transaction() as session:
        stored_intents.ask_soon(session, intent.id, intents.BACKOFF[0])
        deliveries.done(
            session, row.id, "processed", f"the gateway says {found.state}", intent_id=intent.id,
            customer_id=intent.customer_id, path=intent.operator_path,
        )  # fmt: skip


def _note(session: Session, row: Any, outcome: Outcome) -> None:
    said = {"credited": "credited", "review": "in review", "known": "dealt with before"}
    deliveries.done(
        session, row.id, "processed", said[outcome.kind], intent_id=outcome.intent_id,
        customer_id=outcome.customer_id, path=outcome.path,
    )  # fmt: skip


def replay(session: Session, delivery_id: UUID, actor: Actor) -> None:
    """Have a delivery worked on again. Raises LookupError, and Refused for one that was forged."""
    row = deliveries.detail(session, delivery_id)
    if row is None:
        raise LookupError(delivery_id)
    if not deliveries.replay(session, delivery_id):
        raise Refused("not_genuine", "the gateway has not signed this delivery")
    operations.record(
        session, actor, "webhook_delivery.replayed", "webhook_delivery", delivery_id,
        operator_path=row.operator_path, before={"state": row.state}, personal=False,
    )  # fmt: skip
