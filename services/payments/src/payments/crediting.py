"""Credits: what a customer is given, what a bill loses, what is given up. Three words for three things.

An adjustment is money for the customer's account, a credit note takes a part off one bill, a write-off
gives up what will not be paid. All are ledger entries with a reason, and can be reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import domain
from payments.domain import Erased, Refused, UnknownCustomer
from payments.money import Money, exact, positive
from payments.persistence import accounts, bills, credits, facts, ledger, numbering
from payments.persistence.ledger import Entry, Posting
from payments.publishing import bill_event, close
from payments.settings import PaymentsSettings
from payments.taxing import of_note
from shared import operations
from shared.events import BillPaid, Event
from shared.operations import Actor

# What stands against the customer's credit in the ledger.
AGAINST = {"adjustment": "revenue", "credit_note": "revenue", "write_off": "bad_debt"}


def adjust(
    session: Session, customer_id: UUID, given: Money, reason: str, settings: PaymentsSettings,
    actor: Actor,
) -> UUID:  # fmt: skip
    """Give the customer money on account; the credit's id. It pays open bills, or waits as funds.

    Raises UnknownCustomer, Erased, Refused for another currency.
    """
    locked = _lock(session, customer_id)
    _check_currency(locked[customer_id], given)
    row = _add(session, "adjustment", locked[customer_id], given.amount, reason, settings, actor)
    close(session, actor, locked, [], row["created_at"])
    return _id(row)


def write_off(
    session: Session, customer_id: UUID, wanted: Money | None, reason: str,
    settings: PaymentsSettings, actor: Actor,
) -> UUID:  # fmt: skip
    """Give up `wanted` of what is owed, or all of it, oldest bill first; the credit's id.

    Raises UnknownCustomer, Erased, Refused for more than is owed.
    """
    locked = _lock(session, customer_id)
    owed = bills.owed(session, customer_id)
    if wanted is not None:
        _check_currency(locked[customer_id], wanted)
    amount = owed if wanted is None else wanted.amount
    domain.check_write_off(owed, amount)
    row = _add(session, "write_off", locked[customer_id], amount, reason, settings, actor)
    close(session, actor, locked, [], row["created_at"])
    return _id(row)


def credit_note(
    session: Session, bill_id: UUID, wanted: Money | None, reason: str,
    settings: PaymentsSettings, actor: Actor,
) -> UUID:  # fmt: skip
    """Take `wanted` off a bill, or all that is left of it; the credit's id.

    Money that had paid this part goes to other bills, or waits as funds. Raises LookupError outside
    the caller's branch, Erased, Refused for more than is left, a void bill, an export (C35).
    """
    found = bills.detail(session, bill_id)
    if found is None:
        raise LookupError(bill_id)
    locked = _lock(session, found.customer_id)
    bill = bills.locked(session, bill_id)
    if wanted is not None:
        _check_currency(locked[found.customer_id], wanted)
    left = exact(bill.total - credits.noted(session, bill_id), bill.currency)
    amount = left if wanted is None else wanted.amount
    _check_not_exported(session, bill.customer_id)
    domain.check_credit_note(bill.status, left, amount)
    if credits.written_off(session, bill_id):
        raise Refused(
            "written_off", "a part of this bill was given up: reverse the write-off first"
        )
    at, were_paid = bills.now(session), frozenset[UUID]()
    if bill.total - bill.paid < amount:
        were_paid = ledger.release(session, actor.id, at, bills=[bill_id])
    standing = [(note.amount, note.tax) for note in credits.notes(session, bill_id)]
    row = _add(
        session, "credit_note", locked[found.customer_id], amount, reason, settings, actor, bill_id,
        tax=of_note(bill.tax, bill.total, standing, amount, bill.currency),
    )  # fmt: skip
    fresh = _apply_notes(session, bill, at, actor)
    events: list[Event] = []
    if fresh.status == "paid" and bill.status != "paid":
        events.append(bill_event(BillPaid, fresh))
    close(session, actor, locked, events, at, were_paid=were_paid | {bill_id})
    return _id(row)


def reverse(session: Session, credit_id: UUID, reason: str, actor: Actor) -> None:
    """The credit is taken back: bills that it had covered are open again.

    Raises LookupError outside the caller's branch, Refused when it was taken back already, or when it
    is of a bill and the customer is exported (C35).
    """
    customer_id = credits.customer_of(session, credit_id)
    if customer_id is None:
        raise LookupError(credit_id)
    locked = _lock(session, customer_id)
    row = credits.locked(session, credit_id)
    if row.kind == "credit_note":
        _check_not_exported(session, customer_id)
    domain.check_reverse_credit(row.amount, row.reversed)
    at = bills.now(session)
    were_paid = ledger.release(session, actor.id, at, credits=[credit_id])
    _take_back(session, [(row, row.amount - row.reversed)], at, actor)
    _log(session, actor, "credit.reversed", row, reason)
    close(session, actor, locked, [], at, were_paid=were_paid)


def unbind(session: Session, bill_id: UUID, at: datetime, actor: Actor) -> frozenset[UUID]:
    """For a bill that never was: nor were its credit notes and what was written off of it.

    Its matches are taken back; the bills that were paid until now.
    """
    notes, given_up = credits.notes(session, bill_id), credits.written_off(session, bill_id)
    were_paid = ledger.release(
        session, actor.id, at, bills=[bill_id], credits=[note.id for note in notes]
    )
    parts = [(note, note.amount - note.reversed) for note in notes]
    _take_back(session, [*parts, *((row, row.on_bill) for row in given_up)], at, actor)
    return were_paid


def _lock(session: Session, customer_id: UUID) -> dict[UUID, Any]:
    locked = accounts.lock(session, [customer_id])
    fact = facts.customers(session, [customer_id]).get(customer_id)
    if fact is None:
        raise UnknownCustomer(customer_id)
    if not locked or fact.erased_at is not None:
        raise Erased(customer_id)
    return locked


def _check_not_exported(session: Session, customer_id: UUID) -> None:
    known = facts.customers(session, [customer_id])[customer_id]
    domain.check_not_exported(known.standing, known.holds)


def _check_currency(account: Any, given: Money) -> None:
    if given.currency != account.currency:
        raise Refused("currency", f"this customer's account is in {account.currency}")
    if not positive(given.amount, given.currency):
        raise Refused("amount", "send more than zero, in whole minor units")


def _add(
    session: Session, kind: str, account: Any, amount: Decimal, reason: str,
    settings: PaymentsSettings, actor: Actor, bill_id: UUID | None = None,
    tax: Decimal = Decimal(0),
) -> dict[str, Any]:  # fmt: skip
    at = bills.now(session)
    owner = (actor.name, settings.year_of(at))
    (number,) = numbering.take(session, "credit", settings.credit_pattern, [owner])
    row = {
        "id": uuid7(), "number": number, "kind": kind, "customer_id": account.customer_id,
        "operator_path": account.operator_path, "bill_id": bill_id, "amount": amount, "tax": tax,
        "currency": account.currency, "reason": reason, "created_at": at,
        "operator_id": actor.id, "operator_name": facts.operator_name(session, actor.id, actor.name),
    }  # fmt: skip
    credits.add(session, row)
    posting = Posting(
        kind=kind, customer_id=account.customer_id, credit_id=row["id"], bill_id=bill_id,
        currency=account.currency, effective_at=at,
        entries=(Entry("credit", -amount), *_against(kind, amount, tax)),
    )  # fmt: skip
    ledger.post(session, [posting], actor.id)
    operations.record(
        session, actor, f"credit.{kind}", "customer", account.customer_id,
        operator_path=account.operator_path, reason=reason,
        after={"credit_id": str(row["id"]), "number": number, "amount": str(amount),
               "currency": account.currency, "bill_id": bill_id},
    )  # fmt: skip
    return row


def _against(kind: str, amount: Decimal, tax: Decimal) -> list[Entry]:
    """A credit note takes the state's part of its bill back too."""
    entries = [Entry(AGAINST[kind], amount - tax), Entry("tax", tax)]
    return [entry for entry in entries if entry.amount]


def _apply_notes(session: Session, bill: Any, at: datetime, actor: Actor) -> Any:
    """A credit note pays its own bill first; the bill as it is now."""
    applied = credits.apply_notes(session, bill.id)
    posting = Posting(
        kind="allocation", customer_id=bill.customer_id, currency=bill.currency, effective_at=at,
        entries=(Entry("credit", applied), Entry("receivable", -applied)),
    )  # fmt: skip
    ledger.post(session, [posting], actor.id)
    return bills.locked(session, bill.id)


def _take_back(
    session: Session, parts: Sequence[tuple[Any, Decimal]], at: datetime, actor: Actor
) -> None:
    credits.mark_reversed(session, [(row.id, amount) for row, amount in parts])
    postings = [
        Posting(
            kind="credit_reversal", customer_id=row.customer_id, credit_id=row.id,
            currency=row.currency, effective_at=at,
            entries=(Entry("credit", amount), *_against(row.kind, -amount, -row.tax)),
        )
        for row, amount in parts
        if amount > 0
    ]  # fmt: skip
    ledger.post(session, postings, actor.id)


def _log(session: Session, actor: Actor, action: str, row: Any, reason: str) -> None:
    operations.record(
        session, actor, action, "customer", row.customer_id,
        operator_path=row.operator_path, reason=reason,
        before={"credit_id": str(row.id), "reversed": str(row.reversed)},
        after={"credit_id": str(row.id), "reversed": str(row.amount)},
    )  # fmt: skip


def _id(row: dict[str, Any]) -> UUID:
    found: UUID = row["id"]
    return found
