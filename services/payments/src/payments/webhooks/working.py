"""What a delivery asks for, done after it was answered.

What it says is never believed: it names a payment, and the gateway is asked about it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import asking, giving_back, intents
from payments.domain import Refused
from payments.gateways.interface import (
    Clue,
    Declined,
    Delivery,
    Found,
    Gateway,
    Notice,
    Unreachable,
)
from payments.persistence import claims, deliveries, facts, methods
from payments.persistence import intents as stored_intents
from payments.settings import PaymentsSettings
from payments.settling import Arrival, Outcome, intent_of, names, settle
from payments.webhooks.receiving import BACKOFF, note_verdict
from shared import operations
from shared.database import Database
from shared.operations import Actor

# Money of no intent of ours is looked for so often; then the delivery spoke of nothing.
LOOKS = 4


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
        _nothing(database, gateway, row, notice, settings)
    elif notice.about == "return":
        _returned(database, gateway, row, notice, settings)
    elif notice.about == "method":
        _method(database, gateway, row, notice)
    else:
        _payment(database, gateway, row, notice, settings)


def _method(database: Database, gateway: Gateway, row: Any, notice: Notice) -> None:
    """A payer has stored a method; the worker asks at once which."""
    with database.transaction() as session:
        method = methods.by_session(session, gateway.name, notice.clue.session)
        if method is None or method.customer_id is None:
            deliveries.done(session, row.id, "ignored", "about nothing of ours")
        else:
            methods.ask_soon(session, method.id)
            deliveries.done(
                session, row.id, "processed", "the gateway is asked",
                customer_id=method.customer_id, path=method.operator_path,
            )  # fmt: skip


def _returned(
    database: Database, gateway: Gateway, row: Any, notice: Notice, settings: PaymentsSettings
) -> None:
    """Money has left there; what came of it may have been told of by nobody, so it is found first."""
    transaction = notice.clue.transaction
    assert transaction is not None, "a return names its transaction"
    with database.transaction() as session:
        unheard = claims.claimed(session, gateway.name, names(transaction, settings)) is None
    found = gateway.find(notice.clue) if unheard else None
    told = gateway.given_back(notice.clue)
    with database.transaction() as session:
        if found is not None and found.state == "paid":
            settle(session, Arrival(gateway=gateway, found=found, source="webhook",
                                    received_at=row.received_at), settings)  # fmt: skip
        known = giving_back.note(session, gateway, transaction, told, settings)
        if known is None:
            deliveries.done(session, row.id, "ignored", "of no payment of ours")
        elif known.transaction != transaction:
            # A digest stands for it: whoever paid it was erased.
            deliveries.remove(session, row.id)
        else:
            deliveries.done(
                session, row.id, "processed", "money left at the gateway",
                intent_id=known.intent_id, customer_id=known.customer_id, path=known.operator_path,
            )  # fmt: skip


def _done(database: Database, row: Any, state: str, outcome: str) -> None:
    with database.transaction() as session:
        deliveries.done(session, row.id, state, outcome)


def _nothing(
    database: Database, gateway: Gateway, row: Any, notice: Notice, settings: PaymentsSettings
) -> None:
    """Not about money that came; if it names an intent of ours the gateway is asked soon."""
    with database.transaction() as session:
        intent = _told_of(session, gateway, notice.clue, settings)
        if intent is None:
            deliveries.done(session, row.id, "ignored", "about nothing of ours")
        else:
            stored_intents.ask_soon(session, intent.id, intents.SOON)
            _done_with(session, row, intent, "the gateway is asked")


def _done_with(session: Session, row: Any, intent: Any, outcome: str) -> None:
    """Say whose a delivery is; one about a person who was erased is not kept."""
    if facts.erased(session, intent.customer_id):
        deliveries.remove(session, row.id)
        return
    deliveries.done(
        session, row.id, "processed", outcome, intent_id=intent.id,
        customer_id=intent.customer_id, path=intent.operator_path,
    )  # fmt: skip


def _payment(
    database: Database, gateway: Gateway, row: Any, notice: Notice, settings: PaymentsSettings
) -> None:
    told = notice.clue
    with database.transaction() as session:
        intent = _told_of(session, gateway, told, settings)
    found = gateway.find(_clue(gateway, told, intent))
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


def _clue(gateway: Gateway, told: Clue, intent: Any) -> Clue:
    """By what to ask. An unsigned hint must not lead us to another checkout than our own."""
    ours = intent.gateway_session if intent is not None else None
    session = (told.session or ours) if gateway.signs else (ours or told.session)
    return Clue(reference=told.reference, session=session, transaction=told.transaction)


def _settle(
    session: Session, gateway: Gateway, intent: Any, arrival: Arrival, settings: PaymentsSettings
) -> Outcome:
    """As for everybody else; an intent that is named gets its own end told."""
    if intent is None:
        return settle(session, arrival, settings)
    outcome = asking.conclude(
        session, gateway, intent, arrival.found, settings, "webhook", arrival.received_at
    )
    assert outcome is not None, "paid has an outcome"
    return outcome


def _told_of(session: Session, gateway: Gateway, told: Clue, settings: PaymentsSettings) -> Any:
    if told.reference is not None:
        references = names(told.reference, settings)
        found = stored_intents.by_reference(session, gateway.name, references)
        if found is not None:
            return found
    if told.session is not None:
        return stored_intents.by_session(session, gateway.name, told.session)
    return None


def _unpaid(database: Database, gateway: Gateway, row: Any, intent: Any, found: Found) -> None:
    """The gateway does not confirm it (yet)."""
    if intent is None:
        if row.attempts < LOOKS:
            raise Unreachable("nothing is paid yet")
        _done(database, row, "ignored", "the gateway knows of no such payment")
        return
    with database.transaction() as session:
        stored_intents.ask_soon(session, intent.id, intents.BACKOFF[0])
        _done_with(session, row, intent, f"the gateway says {found.state}")


def _note(session: Session, row: Any, outcome: Outcome) -> None:
    if outcome.erased:
        deliveries.remove(session, row.id)
        return
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
