"""Operators' cash: counted at shifts, handed over with two signatures, limited. A view of the ledger."""

from __future__ import annotations

from collections.abc import Container, Sequence
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.domain import PaymentDraft, Refused
from payments.money import Money
from payments.persistence import drawers, facts
from shared import operations
from shared.operations import Actor


def over_limit(
    session: Session, drafts: Sequence[PaymentDraft], out: Container[int]
) -> dict[int, Refused]:
    """Places of cash for which its operator's drawer has no room, those `out` already left aside."""
    rooms: dict[tuple[UUID, str], Decimal | None] = {}
    found: dict[int, Refused] = {}
    for place, draft in enumerate(drafts):
        if draft.method != "cash" or draft.operator_id is None or place in out:
            continue
        key = draft.operator_id, draft.currency
        if key not in rooms:
            drawer = drawers.limited(session, *key)
            rooms[key] = None if drawer is None else drawer.cash_limit - drawer.balance
        room = rooms[key]
        if room is not None and draft.amount > room:
            found[place] = Refused(
                "drawer_full",
                f"the cash drawer has room for {max(room, Decimal(0)):.2f} {draft.currency}: hand"
                " cash over (POST /v1/cash-hand-overs) before more is taken",
            )
        elif room is not None:
            rooms[key] = room - draft.amount
    return found


def open_shift(session: Session, counted: Money, actor: Actor) -> UUID:
    """Begin with what was counted; a difference to the ledger is booked. Raises Refused."""
    drawer = drawers.open_drawer(session, _id(actor), counted.currency)
    if drawers.shift_of(session, _id(actor), counted.currency) is not None:
        raise Refused("shift_open", "a shift of yours in this currency is open: close it first")
    shift = {
        "id": uuid7(), "operator_id": actor.id, "operator_path": actor.path,
        "operator_name": facts.operator_name(session, actor.id, actor.name),
        "currency": counted.currency, "opening_expected": drawer.balance,
        "opening_counted": counted.amount,
    }  # fmt: skip
    drawers.add_shift(session, shift)
    _book_difference(session, drawer, counted, actor)
    _log(session, actor, "cash_shift.opened", shift["id"], drawer.balance, counted.amount, None)
    found: UUID = shift["id"]
    return found


def close_shift(
    session: Session, shift_id: UUID, counted: Money, note: str | None, actor: Actor
) -> None:
    """End with what was counted; a difference is booked. Raises LookupError, Refused."""
    shift = drawers.locked_shift(session, shift_id)
    if shift is None or shift.operator_id != actor.id:
        raise LookupError(shift_id)
    if shift.closed_at is not None:
        raise Refused("shift_closed", "this shift is closed already")
    if shift.currency != counted.currency:
        raise Refused("shift_currency", f"this shift is in {shift.currency}")
    drawer = drawers.open_drawer(session, shift.operator_id, shift.currency)
    drawers.close_shift(session, shift_id, drawer.balance, counted.amount, note)
    _book_difference(session, drawer, counted, actor)
    _log(session, actor, "cash_shift.closed", shift_id, drawer.balance, counted.amount, note)


def _book_difference(session: Session, drawer: Any, counted: Money, actor: Actor) -> None:
    over = counted.amount - drawer.balance
    if over > 0:
        drawers.move(session, actor, counted.currency, None, drawer.operator_id, over)
    elif over < 0:
        drawers.move(session, actor, counted.currency, drawer.operator_id, None, -over)


def hand_over(session: Session, taker: Any, given: Money, note: str | None, actor: Actor) -> UUID:
    """Say that cash was given to `taker`, an operator above; it moves when the taker accepts.

    Raises Refused for more than the drawer holds beside what is on its way already.
    """
    drawer = drawers.open_drawer(session, _id(actor), given.currency)
    free = drawer.balance - drawers.pending(session, _id(actor), given.currency)
    if given.amount > free:
        raise Refused(
            "not_in_drawer", f"the drawer holds {max(free, Decimal(0)):.2f} {given.currency}"
        )
    row = {
        "id": uuid7(), "giver_id": actor.id, "operator_path": actor.path,
        "giver_name": facts.operator_name(session, actor.id, actor.name),
        "taker_id": taker.id, "taker_name": taker.name, "amount": given.amount,
        "currency": given.currency, "note": note,
    }  # fmt: skip
    drawers.add_hand_over(session, row)
    _log(session, actor, "cash.handed_over", row["id"], None, given.amount, note)
    found: UUID = row["id"]
    return found


def decide(
    session: Session,
    hand_over_id: UUID,
    decision: Literal["accepted", "refused", "cancelled"],
    reason: str | None,
    actor: Actor,
) -> None:
    """The taker accepts or refuses, the giver cancels. Raises LookupError, Refused."""
    row = drawers.locked_hand_over(session, hand_over_id)
    if row is None:
        raise LookupError(hand_over_id)
    signer = row.giver_id if decision == "cancelled" else row.taker_id
    if signer != actor.id:
        raise Refused("not_yours", "only who gave the cash cancels, only who takes it decides")
    if row.state != "pending":
        raise Refused("decided", f"this hand-over is {row.state} already")
    if decision == "accepted":
        drawers.move(
            session, actor, row.currency, row.giver_id, row.taker_id, row.amount,
            path=row.operator_path,
        )  # fmt: skip
    drawers.mark_decided(session, hand_over_id, decision)
    _log(session, actor, f"cash.hand_over_{decision}", hand_over_id, None, row.amount, reason,
         path=row.operator_path)  # fmt: skip


def set_limit(
    session: Session, operator: Any, currency: str, limit: Decimal | None, actor: Actor
) -> Any:
    """Above `limit` the operator takes no cash; None: no limit. The drawer as it is now."""
    before = drawers.open_drawer(session, operator.id, currency)
    after = drawers.set_limit(session, operator.id, currency, limit)
    operations.record(
        session, actor, "cash_limit.changed", "operator", operator.id, personal=False,
        operator_path=operator.operator_path, before={"limit": before.cash_limit},
        after={"limit": limit, "currency": currency},
    )  # fmt: skip
    return after


def _id(actor: Actor) -> UUID:
    if actor.id is None:
        raise Refused("no_drawer", "only operators hold cash")
    return actor.id


def _log(
    session: Session, actor: Actor, action: str, subject: UUID, expected: Decimal | None,
    amount: Decimal, reason: str | None, path: str | None = None,
) -> None:  # fmt: skip
    operations.record(
        session, actor, action, "cash", subject, personal=False, reason=reason,
        operator_path=path or actor.path or operations.SYSTEM_PATH,
        before=None if expected is None else {"expected": str(expected)},
        after={"amount": str(amount)},
    )  # fmt: skip
