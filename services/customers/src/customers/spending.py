"""The spending limit (C30, C31): reached by the day's expenses, the hold `spending` stands until midnight.

Payments tells the expenses of the ISP's day and when that day ends (`account.changed`); from then on they
are nothing, without a word. Only what the system held is lifted here: a front end that measures other use
lifts its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import and_, any_, func, literal, select
from sqlalchemy.orm import Session

from customers import holds
from customers.domain import Customer
from customers.persistence import customers, tables
from shared.arrays import among
from shared.database import EVERYTHING
from shared.events import HoldKind
from shared.operations import SYSTEM

c = tables.customer.c
ZERO = Decimal(0)
KIND: HoldKind = "spending"
_HELD = literal(KIND) == any_(c.holds)
# A limit of zero is reached by the first expense, not by none.
_REACHED = func.coalesce(
    and_(c.expenses > 0, c.expenses >= c.spending_limit, c.expenses_until > func.now()), False
)


def follow(session: Session, ids: Collection[UUID]) -> None:
    """Hold those of the living `ids` whose limit is reached, lift the system's hold of the others."""
    session.flush()
    chosen = and_(
        among(c.id, ids), c.state == "alive", c.closed_at.is_(None), c.exported_at.is_(None)
    )
    moved = session.execute(select(c.id, _HELD).where(chosen, _REACHED != _HELD)).all()
    going = [one for one, held in moved if not held]
    under = [one for one, held in moved if held]
    over = holds.held_by(session, SYSTEM.path, KIND, under) if under else {}
    if not going and not over:
        return
    locked = customers.lock(session, EVERYTHING, {*going, *over})
    _hold(session, [locked[one] for one in going])
    lifted = [locked[one] for one in over]
    reason = "the expenses of the day are under the limit"
    holds.lift_rows(session, SYSTEM, lifted, list(over.values()), reason)


def _hold(session: Session, going: Collection[Customer]) -> None:
    """A hold each, which says its figures."""
    alike: dict[tuple[str, datetime | None], list[Customer]] = defaultdict(list)
    for customer in going:
        spent, limit = customer.expenses.normalize(), (customer.spending_limit or ZERO).normalize()
        reason = f"{spent:f} {customer.currency} charged today reach the limit of {limit:f}"
        alike[reason, customer.expenses_until].append(customer)
    for (reason, until), them in alike.items():
        holds.set_holds(session, SYSTEM, them, KIND, reason=reason, until=until)
