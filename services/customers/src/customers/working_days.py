"""No cut-off on a weekend or holiday (C13): postponements end, and terminations come, on working days.

Payments keeps the calendar and tells of it. The end of a postponement is moved when it is set and when
the calendar changes, never when it comes, since radius-sync goes by the date that it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Customer, now
from customers.persistence import customers
from customers.persistence.announcing import Change, announce
from shared.database import EVERYTHING
from shared.events import Wire
from shared.operations import SYSTEM

_KEEP = text(
    "UPDATE calendar SET version = :version, weekend = :weekend, holidays = :holidays,"
    " time_zone = :zone WHERE version < :version RETURNING version"
)
_ON_HOLIDAYS = text(
    "SELECT id FROM customer WHERE lift_suspension_until > now() AND state = 'alive'"
    " AND next_working(lift_suspension_until) <> lift_suspension_until"
)


def keep(session: Session, events: Sequence[Wire]) -> None:
    """Keep the newest calendar, and move what would end on one of its holidays."""
    newest = max(events, key=lambda event: int(event["sequence"]))
    told = newest["data"]
    kept = session.scalar(_KEEP, {
        "version": int(newest["sequence"]),
        "weekend": list(told["weekend"]),
        "holidays": [date.fromisoformat(day) for day in told["holidays"]],
        "zone": told["time_zone"],
    })  # fmt: skip
    if kept is not None:
        ids = set(session.scalars(_ON_HOLIDAYS))
        chosen = customers.lock(session, EVERYTHING, ids) if ids else {}
        changes = [_moved(session, one) for one in chosen.values() if _ends(one)]
        announce(session, SYSTEM, "customer.suspension_lifted", changes)


def _ends(customer: Customer) -> bool:
    """Locked, it may have been settled meanwhile."""
    return customer.state == "alive" and customer.lift_suspension_until is not None


def _moved(session: Session, customer: Customer) -> Change:
    until = customer.lift_suspension_until
    assert until is not None
    later = next_working(session, until)
    event = customer.postpone(later, now())
    before, after = {"lift_suspension_until": until}, {"lift_suspension_until": later}
    return Change(customer, event, before, after, "its end fell on a holiday")


def next_working(session: Session, moment: datetime) -> datetime:
    """`moment`, or the same time of day on the next working day; the calendar stays so until commit."""
    session.execute(text("SELECT FROM calendar FOR SHARE"))
    found: datetime = session.execute(
        text("SELECT next_working(:moment)"), {"moment": moment}
    ).scalar_one()
    return found
