"""What gateways have paid out to us, as their settlement files tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from payments.gateways.interface import Clue, Declined, Gateway, Unreachable
from payments.persistence import claims
from payments.settings import PaymentsSettings
from payments.settling import Arrival, Outcome, names, settle
from shared.database import Database


@dataclass(frozen=True, kw_only=True)
class PaidOut:
    """A line of a gateway's settlement file: what it says that it has paid out to us, and when."""

    transaction: str
    settled_at: datetime


def settled(
    session: Session, gateway: str, lines: Sequence[PaidOut], settings: PaymentsSettings
) -> list[PaidOut]:
    """Note what was paid out; those lines whose money is not in our books.

    For each of those call `find`, outside a transaction: a file is a hint like any other.
    """
    unknown = []
    for line in lines:
        known_as = names(line.transaction, settings)
        known = claims.claimed(session, gateway, known_as)
        payment_id = known.payment_id if known is not None else None
        if payment_id is None:
            by_hand = claims.booked(session, gateway, known_as)
            payment_id = by_hand.id if by_hand is not None else None
        if payment_id is not None:
            claims.settled_at(session, payment_id, line.settled_at)
        elif known is None:
            unknown.append(line)
    return unknown


def find(
    database: Database, gateway: Gateway, line: PaidOut, settings: PaymentsSettings
) -> Outcome | None:
    """Ask the gateway for money that was paid out and is not in our books, and settle it as any.

    None when the gateway does not confirm it (or can't find it by a transaction alone).
    """
    try:
        found = gateway.find(Clue(transaction=line.transaction))
    except (Unreachable, Declined):
        return None
    if found.state != "paid":
        return None
    with database.transaction() as session:
        arrival = Arrival(
            gateway=gateway, found=found, source="settlement", received_at=datetime.now(UTC)
        )
        outcome = settle(session, arrival, settings)
        if outcome.payment_id is not None:
            claims.settled_at(session, outcome.payment_id, line.settled_at)
        return outcome
