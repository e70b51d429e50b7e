"""The holds that follow from a customer's money: overdue, credit, funds; nobody sets them by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, any_, func, literal, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers import holds
from customers.domain import Customer, now
from customers.persistence import customers, tables
from customers.persistence.announcing import Change, announce
from shared.arrays import among
from shared.database import EVERYTHING
from shared.events import HoldKind
from shared.operations import SYSTEM

c = tables.customer.c
_OWES_NOTHING = and_(c.balance <= 0, ~c.overdue)
KINDS: tuple[HoldKind, ...] = ("overdue", "credit", "funds")


def due(customer: Customer) -> set[HoldKind]:
    """Which of these holds the money of the customer asks for (statuses 6 to 9)."""
    found: set[HoldKind] = {"overdue"} if customer.overdue else set()
    limit = customer.credit_limit
    if customer.balance_control == "postpaid":
        if limit is not None and customer.balance > limit:
            found.add("credit")
    elif customer.customer_class.pay_as_you_go and customer.available_funds <= 0:
        found.add("funds")
    return found


def _standing(kind: str) -> ColumnElement[bool]:
    return literal(kind) == any_(c.holds)


def _moved() -> ColumnElement[bool]:
    """The same rule in SQL: only rows whose holds must change are loaded."""
    postpaid = c.balance_control == "postpaid"
    over = func.coalesce(and_(postpaid, c.balance > c.credit_limit), False)
    empty = and_(~postpaid, tables.customer_class.c.pay_as_you_go, c.available_funds <= 0)
    return or_(
        _standing("overdue") != c.overdue,
        _standing("credit") != over,
        _standing("funds") != empty,
    )


def follow(session: Session, ids: Collection[UUID], settled: Collection[UUID]) -> None:
    """Set and lift what `ids` ask for; an account that is settled, or owes nothing, needs no postponement
    any more (C15), and the payment that settled it thaws the automatic ones (C29)."""
    frozen = and_(among(c.id, settled), _standing("payment_frozen"))
    postponed = c.lift_suspension_until.is_not(None)
    ended = or_(frozen, and_(postponed, or_(among(c.id, settled), _OWES_NOTHING)))
    wanted = session.scalars(
        select(c.id)
        .join(tables.customer_class, tables.customer_class.c.id == c.class_id)
        # The deleted keep their holds as they were; a restore brings them in line.
        .where(among(c.id, ids), c.state == "alive", or_(_moved(), ended))
    ).all()
    chosen = customers.lock(session, EVERYTHING, wanted) if wanted else {}
    followed(session, list(chosen.values()))
    thawed = [one for one in chosen.values() if one.id in settled]
    holds.lift_kinds(session, SYSTEM, thawed, {"payment_frozen"}, "a payment covered what was due")
    cleared = [
        one
        for one in chosen.values()
        if one.lift_suspension_until is not None
        and (one.id in settled or (one.balance <= 0 and not one.overdue))
    ]
    moment = now()
    announce(session, SYSTEM, "customer.suspension_settled", [
        Change(one, one.postpone(None, moment), None, {"status": one.status}) for one in cleared
    ])  # fmt: skip


def freeze(session: Session, ids: Collection[UUID], frozen: Collection[UUID]) -> None:
    """Hold the automatic payments of `frozen` (C29), and let go those of the other `ids` that payments
    had frozen; what an operator froze by hand stays."""
    wanted = session.scalars(
        select(c.id).where(among(c.id, frozen), c.state == "alive", ~_standing("payment_frozen"))
    ).all()
    over = holds.held_by(session, SYSTEM.path, "payment_frozen", set(ids) - set(frozen))
    chosen = customers.lock(session, EVERYTHING, {*wanted, *over}) if wanted or over else {}
    going = [chosen[one] for one in wanted if "payment_frozen" not in chosen[one].holds]
    holds.set_holds(session, SYSTEM, going, "payment_frozen", reason="repeated errors")
    thawed = [chosen[one] for one in over if one in chosen and chosen[one].state == "alive"]
    holds.lift_rows(session, SYSTEM, thawed, list(over.values()), "a payment came in")


def followed(session: Session, chosen: Collection[Customer]) -> None:
    """Bring the three holds of locked customers in line with their money."""
    setting, lifting = defaultdict[HoldKind, list[Customer]](list), list[Customer]()
    for customer in chosen:
        asked, standing = due(customer), {*customer.holds}
        for kind in KINDS:
            if kind in asked and kind not in standing:
                setting[kind].append(customer)
            elif kind in standing and kind not in asked:
                lifting.append(customer)
    by_kind = defaultdict[HoldKind, list[Customer]](list)
    for customer in lifting:
        for kind in {*KINDS} & {*customer.holds} - due(customer):
            by_kind[kind].append(customer)
    for kind, them in by_kind.items():
        also = {"terminated"} if kind == "overdue" else set()
        holds.lift_kinds(session, SYSTEM, them, {kind, *also}, "follows from the account")
    for kind, them in setting.items():
        holds.set_holds(session, SYSTEM, them, kind, reason="follows from the account")
