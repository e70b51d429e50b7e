"""The end of every change of money: match, sum up, and tell, in the transaction of the change.

Each event of a customer takes one number of the account's version, so that their order is known;
the account's own event comes last and carries the whole state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments.money import exact
from payments.persistence import accounts, dunning, ledger
from shared.events import (
    AccountChanged,
    AccountSettled,
    BillIssued,
    BillPaid,
    Event,
    PaymentRecorded,
)
from shared.operations import Actor
from shared.outbox import publish


def bill_event(kind: type[BillIssued], row: Any) -> BillIssued:
    """`sequence` is set when the account's version is known."""
    return kind(
        subject=row.customer_id,
        sequence=0,
        operator_path=row.operator_path,
        bill_id=row.id,
        total=exact(row.total, row.currency),
        currency=row.currency,
        due_at=row.due_at,
    )


def payment_event(kind: type[PaymentRecorded], row: Any, amount: Any = None) -> PaymentRecorded:
    return kind(
        subject=row.customer_id,
        sequence=0,
        operator_path=row.operator_path,
        payment_id=row.id,
        amount=exact(row.amount if amount is None else amount, row.currency),
        currency=row.currency,
        method=row.method,
    )


def close(
    session: Session,
    actor: Actor,
    locked: dict[UUID, Any],
    events: Iterable[Event],
    at: datetime,
    *,
    by_payment: bool = False,
    received: Sequence[Mapping[str, Any]] = (),
    were_paid: frozenset[UUID] = frozenset(),
) -> list[Any]:
    """Match money to bills of the `locked` accounts, set their sums anew and publish; the bills
    that were paid, wholly or in part.

    `by_payment`: an account of which nothing is late any more is told as settled (C10, C15, C18).
    `received`: payments to write first.
    `were_paid`: bills that were paid before this change began, so no news when they are again.
    """
    if by_payment and any(account.auto_payment_failures for account in locked.values()):
        accounts.thaw(session, list(locked))
    touched = ledger.settle(session, list(locked), actor.id, at, received)
    # After the payments are written: one of them may be what was promised.
    if by_payment and any(account.promised_until is not None for account in locked.values()):
        dunning.keep_promises(session, list(locked))
    told = [
        *events,
        *(
            bill_event(BillPaid, row)
            for row in touched
            if row.status == "paid" and row.id not in were_paid
        ),
    ]
    counts = Counter(event.subject for event in told)
    fresh = accounts.refresh(session, {customer: counts[customer] + 1 for customer in locked})
    following = {row.customer_id: row.version - counts[row.customer_id] for row in fresh}
    numbered: list[Event] = []
    for event in told:
        numbered.append(replace(event, sequence=following[event.subject]))
        following[event.subject] += 1
    covered = {row.customer_id for row in touched if row.status == "paid" and row.overdue_at}
    numbered += [
        _account_event(row, by_payment and _settled(row, locked[row.customer_id], covered))
        for row in fresh
    ]
    _publish(session, numbered, actor)
    return touched


def _account_event(row: Any, settled: bool) -> AccountChanged:
    kind = AccountSettled if settled else AccountChanged
    return kind(
        subject=row.customer_id,
        sequence=row.version,
        operator_path=row.operator_path,
        currency=row.currency,
        billed=exact(row.billed, row.currency),
        paid=exact(row.paid, row.currency),
        outstanding=exact(row.outstanding, row.currency),
        overdue=row.overdue,
        overdue_amount=exact(row.overdue_amount, row.currency),
        available_funds=exact(row.available_funds, row.currency),
        payment_frozen=row.auto_payment_failures >= row.retry_limit,
        paid_periods=tuple(row.paid_periods),
        expenses=exact(row.expenses, row.currency),
        expenses_until=row.expenses_until,
    )


def _settled(row: Any, before: Any, covered: Container[UUID]) -> bool:
    """Whether what was overdue is paid; or what was late beside a promise or on a holiday, or a promise
    was kept, and nothing is late any more: a postponement ends with the payment all the same (C10, C15)."""
    kept = before.promised_until is not None and row.promised_until is None
    return not row.overdue and (
        before.overdue or (row.overdue_amount == 0 and (kept or row.customer_id in covered))
    )


def _publish(session: Session, events: Sequence[Event], actor: Actor) -> None:
    publish(session, *events, actor=actor.name, request_id=actor.request_id)
