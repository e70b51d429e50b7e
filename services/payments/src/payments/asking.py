"""How a payment intent ended: the gateway is asked, and what it says is brought into the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import debiting
from payments.backoff import wait
from payments.gateways.interface import Clue, Declined, Found, Gateway, Unreachable
from payments.intents import APART, AWAY, BACKOFF, Opening, call_open, end, note_opening
from payments.persistence import accounts, intents
from payments.settings import PaymentsSettings
from payments.settling import Arrival, Outcome, Source, settle
from shared.database import Database


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
    opening = _open(database, gateway, intent, settings)
    if opening is not None:
        with database.transaction() as session:
            note_opening(session, intent, opening)
        return None
    clue = Clue(reference=intent.reference, session=intent.gateway_session)
    asked_at = datetime.now(UTC)
    try:
        found = gateway.find(clue)
    except (Unreachable, Declined) as error:
        with database.transaction() as session:
            later = wait(BACKOFF, intent.checks, AWAY)
            intents.ask_again(session, intent.id, later, f"not answered: {error}"[:200])
        return None
    with database.transaction() as session:
        return conclude(session, gateway, intent, found, settings, source, asked_at)


def _open(
    database: Database, gateway: Gateway, intent: Any, settings: PaymentsSettings
) -> Opening | None:
    """Begin what was not begun; None when it is too late for that, or was done."""
    if intent.state != "created":
        return None
    if intent.method_id is not None:
        return debiting.carry_out(database, gateway, intent, settings)
    late = intent.expires_at <= datetime.now(UTC)
    return None if late else call_open(gateway, intent, settings)


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
    if intent.method_id is not None:
        accounts.lock(session, [intent.customer_id])
    now = intents.locked(session, intent.id)
    if now is None or now.state not in ("created", "pending", "failed", "expired"):
        return None
    later = _later(now)
    late = now.expires_at <= datetime.now(UTC)
    if now.state in intents.OPEN and (found.state == "failed" or late):
        state = "failed" if found.state == "failed" else "expired"
        end(session, now, state, found.failure, later)
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
        end(session, now, "expired", None, _later(now))
    else:
        intents.ask_again(session, now.id, _later(now), now.failure)
