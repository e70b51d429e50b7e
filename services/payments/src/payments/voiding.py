"""Bills that never were: those that somebody takes back, and those of a package that was not served."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from payments import billing, crediting, domain
from payments.persistence import accounts, bills, facts, ledger, proformas
from payments.persistence.bills import Period
from payments.persistence.ledger import Entry, Posting
from payments.publishing import close
from shared import operations
from shared.operations import SYSTEM, Actor


def void(session: Session, bill_id: UUID, reason: str, actor: Actor) -> None:
    """The bill never was: what was paid on it goes to other bills or to the funds.

    Its credit notes never were either, and what was written off of it is not given up any more. A
    period that is still to come is announced and billed anew (E25).

    Raises LookupError outside the caller's branch, Refused.
    """
    found = bills.detail(session, bill_id)
    if found is None:
        raise LookupError(bill_id)
    # First of all locks, as where events are heard: the end of this announces the period again.
    facts.lock(session, [found.customer_id])
    locked = accounts.lock(session, [found.customer_id])
    row = bills.locked(session, bill_id)
    known = facts.customers(session, [row.customer_id])[row.customer_id]
    domain.check_void_bill(row.status, known.standing, known.holds)
    at = bills.now(session)
    were_paid = crediting.unbind(session, bill_id, at, actor)
    bills.mark_void(session, bill_id)
    if row.period_start is not None:
        proformas.announce_again(session, row.customer_id, row.period_start)
    ledger.post(
        session,
        [
            Posting(
                kind="bill_void", customer_id=row.customer_id, bill_id=bill_id,
                currency=row.currency, effective_at=at,
                entries=(Entry("receivable", -row.total), *billing.charged(-row.total, -row.tax)),
            )
        ],
        actor.id,
    )  # fmt: skip
    operations.record(
        session, actor, "bill.voided", "customer", row.customer_id,
        operator_path=row.operator_path, reason=reason,
        before={"bill_id": str(bill_id), "status": row.status, "paid": str(row.paid)},
        after={"bill_id": str(bill_id), "status": "void"},
    )  # fmt: skip
    close(session, actor, locked, [], at, were_paid=were_paid)


def supersede(session: Session, periods: Sequence[Period]) -> None:
    """Void what was billed early, by its proforma, for another package than the period's (E25).

    The money waits as funds, for a bill at the price of the package that is served. One by one: such
    bills are made one by one, too.
    """
    customers = sorted({period.customer_id for period in periods})
    found = bills.of_other_packages(session, periods)
    _take_back(session, customers, found, "the package changed before the period began")


def leave(session: Session, customers: Sequence[UUID]) -> None:
    """Void what was billed early to those of `customers` who were closed or deleted before that period:
    nobody serves it. What they paid for it waits as funds, to be refunded, or for their return."""
    found = bills.never_served(session, customers)
    _take_back(session, customers, found, "the customer left before the period began")


def _take_back(
    session: Session, customers: Sequence[UUID], found: Sequence[UUID], reason: str
) -> None:
    if not found:
        return
    # All of the batch, in the order that everybody keeps: the bills to come lock them, too.
    facts.lock(session, sorted(customers))
    accounts.lock(session, sorted(customers))
    for bill_id in found:
        void(session, bill_id, reason, SYSTEM)
