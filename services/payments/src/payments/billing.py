"""Bills: issue, and say that they are overdue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import domain
from payments.domain import BillDraft, Erased, Item, Refused, UnknownCustomer
from payments.money import positive
from payments.persistence import accounts, bills, facts, ledger, numbering, proformas
from payments.persistence.bills import Period
from payments.persistence.ledger import Entry, Posting
from payments.publishing import bill_event, close
from payments.settings import PaymentsSettings
from payments.taxing import taxed
from shared import operations
from shared.events import BillIssued, BillOverdue, Event
from shared.operations import SYSTEM, Actor

# One transaction of so many customers takes well below a second.
BATCH = 500


def issue_by_hand(
    session: Session, draft: BillDraft, settings: PaymentsSettings, actor: Actor
) -> UUID:
    """The id of the bill. Raises UnknownCustomer, Erased, and Refused for whom nothing may be billed
    (C4, C32, C33), for a period that has a bill, a wrong currency or amount."""
    # First of all locks, as where events are heard: an export begins before this, or after it.
    facts.lock(session, [draft.customer_id])
    known = facts.customers(session, [draft.customer_id]).get(draft.customer_id)
    if known is None:
        raise UnknownCustomer(draft.customer_id)
    domain.check_bill_by_hand(known.standing, known.holds)
    issued = issue(session, [draft], settings, actor)
    if not issued:
        raise Refused("period_billed", "this customer has a bill for this period already")
    return issued[0]


def issue(
    session: Session,
    drafts: Sequence[BillDraft],
    settings: PaymentsSettings,
    actor: Actor,
) -> list[UUID]:
    """Issue the bills whose period has none yet; their ids. Money on account pays them at once.

    All-or-nothing. Raises UnknownCustomer, Erased, and Refused for a wrong currency or amount.
    """
    locked = accounts.lock(session, sorted({draft.customer_id for draft in drafts}))
    known = facts.customers(session, list(locked))
    for draft in drafts:
        _check(draft, locked, known)
    new = _unbilled(session, drafts)
    if not new:
        return []
    rows = _rows(session, new, known, settings)
    bills.insert(session, rows)
    proformas.fulfil(session, [row["id"] for row in rows])
    ledger.post(session, [_posting(row) for row in rows], actor.id)
    _log(session, actor, "bill.issued", rows)
    events: list[Event] = [bill_event(BillIssued, _Row(row)) for row in rows]
    billed = {row["customer_id"] for row in rows}
    close(
        session, actor, {k: v for k, v in locked.items() if k in billed}, events,
        new[0].issued_at,
    )  # fmt: skip
    return [row["id"] for row in rows]


class _Row:
    """A row that is about to be, read like one that is."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def _check(draft: BillDraft, locked: dict[UUID, Any], known: dict[UUID, Any]) -> None:
    account, fact = locked.get(draft.customer_id), known.get(draft.customer_id)
    if fact is None:
        raise UnknownCustomer(draft.customer_id)
    if account is None or fact.erased_at is not None:
        raise Erased(draft.customer_id)
    if draft.currency != account.currency:
        raise Refused("currency", f"this customer's account is in {account.currency}")
    if not all(positive(item.amount, draft.currency) for item in draft.items) or not draft.items:
        raise Refused("amount", "a bill needs items of more than zero, in whole minor units")


def _unbilled(session: Session, drafts: Sequence[BillDraft]) -> list[BillDraft]:
    asked = [(d.customer_id, d.period_start) for d in drafts if d.period_start is not None]
    taken = bills.billed_periods(session, asked)
    new = []
    for draft in drafts:
        if draft.period_start is not None:
            period = (draft.customer_id, draft.period_start)
            if period in taken:
                continue
            taken.add(period)
        new.append(draft)
    return new


def _rows(
    session: Session,
    drafts: Sequence[BillDraft],
    known: dict[UUID, Any],
    settings: PaymentsSettings,
) -> list[dict[str, Any]]:
    owners = [known[d.customer_id] for d in drafts]
    numbers = numbering.take(
        session, "bill", settings.bill_pattern,
        [(o.operator_username or o.operator_name, settings.year_of(d.issued_at))
         for o, d in zip(owners, drafts, strict=True)],
    )  # fmt: skip
    return [
        {
            "id": uuid7(),
            "number": number,
            "customer_id": draft.customer_id,
            "operator_path": owner.operator_path,
            "currency": draft.currency,
            "total": draft.total,
            "tax": draft.tax,
            "period_start": draft.period_start,
            "period_end": draft.period_end,
            "issued_at": draft.issued_at,
            "due_at": draft.due_at,
            "items": draft.items,
        }
        for draft, owner, number in zip(drafts, owners, numbers, strict=True)
    ]


def _posting(row: dict[str, Any]) -> Posting:
    return Posting(
        kind="bill",
        customer_id=row["customer_id"],
        bill_id=row["id"],
        currency=row["currency"],
        effective_at=row["issued_at"],
        entries=(Entry("receivable", row["total"]), *charged(row["total"], row["tax"])),
    )


def charged(total: Decimal, tax: Decimal) -> tuple[Entry, ...]:
    """What stands against a bill: what we earn, and what is the state's."""
    revenue = Entry("revenue", tax - total)
    return (revenue, Entry("tax", -tax)) if tax else (revenue,)


def _log(session: Session, actor: Actor, action: str, rows: Sequence[dict[str, Any]]) -> None:
    operations.record_many(
        session, actor, action, "customer",
        "SELECT b.customer_id AS subject, b.operator_path, CAST(NULL AS jsonb) AS before,"
        " jsonb_build_object('bill_id', b.id, 'number', b.number, 'total', b.total::text,"
        " 'currency', b.currency, 'status', b.status) AS after, CAST(NULL AS text) AS reason"
        " FROM bill b WHERE b.id = ANY(:bills)",
        {"bills": [row["id"] for row in rows]},
    )  # fmt: skip


def bill_activations(
    session: Session, waiting: Sequence[Any], settings: PaymentsSettings, actor: Actor = SYSTEM
) -> int:
    """Bill each activation's period once; how many bills. A free package makes none."""
    locked = accounts.lock(session, sorted({row.customer_id for row in waiting}))
    drafts: list[BillDraft] = []
    outcomes: list[tuple[UUID, int, str]] = []
    for row in waiting:
        outcome = _outcome(row, locked)
        if outcome == "billed":
            drafts.append(_draft(row, settings))
        outcomes.append((row.customer_id, row.sequence, outcome))
    issued = issue(session, drafts, settings, actor) if drafts else []
    facts.mark_billed(session, outcomes)
    return len(issued)


def _outcome(row: Any, locked: dict[UUID, Any]) -> str:
    if row.customer_id not in locked:
        return "no account"
    if row.price == 0:
        return "free"
    if locked[row.customer_id].currency != row.currency or not positive(row.price, row.currency):
        return "price not in the account's currency"
    return "billed"


def period_of(row: Any) -> Period:
    """The period of a waiting activation."""
    start, _ = domain.period_of(row.period_end, row.validity_days, row.at)
    return Period(row.customer_id, start, row.package_id)


def _draft(row: Any, settings: PaymentsSettings) -> BillDraft:
    item = Item(description=row.name, amount=row.price, package_id=row.package_id)
    start, end = domain.period_of(row.period_end, row.validity_days, row.at)
    return BillDraft(
        customer_id=row.customer_id,
        currency=row.currency,
        items=(taxed(item, settings.tax, row.currency),),
        issued_at=row.at,
        due_at=domain.due_at(row.balance_control, row.at, settings.due_days),
        period_start=start,
        period_end=end,
    )


def mark_overdue(session: Session, settings: PaymentsSettings, now: datetime | None = None) -> int:
    """Say of bills whose grace is over that they are overdue; how many. Call again until 0."""
    at = now or bills.now(session)
    late = bills.fallen_due(session, at, settings.grace_days, BATCH)
    if not late:
        return 0
    locked = accounts.lock(session, sorted(late))
    rows = bills.mark_overdue(session, list(locked), at, settings.grace_days)
    if rows:
        _log(session, SYSTEM, "bill.overdue", [{"id": row.id} for row in rows])
        events = [bill_event(BillOverdue, row) for row in rows]
        changed = {row.customer_id for row in rows}
        close(session, SYSTEM, {k: v for k, v in locked.items() if k in changed}, events, at)
    return len(rows)
