"""What customers hears: the money of a customer, whole, as payments tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import (
    accounting,
    billing_erasure,
    packages,
    proving,
    session_erasure,
    spending,
    working_days,
)
from shared.events import (
    AccountChanged,
    AccountProved,
    AccountSettled,
    CalendarChanged,
    CustomerBillingErased,
    CustomerSessionsErased,
    PackageCharged,
    Wire,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS = Subscriptions("customers")

# One statement for the batch; what is not newer is no news, and tells of nothing.
_KEEP = text(
    # Locked in the order of the ids first, as everywhere, so that two batches never wait in a ring.
    "WITH locked AS MATERIALIZED (SELECT id FROM customer WHERE id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY id FOR UPDATE) "
    "UPDATE customer SET account_version = n.version, balance = n.balance,"
    " available_funds = n.funds, overdue = n.overdue,"
    " paid_periods = CAST(n.paid_periods AS timestamptz[]),"
    " expenses = n.expenses, expenses_until = n.expenses_until"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:balances AS numeric[]),"
    " CAST(:funds AS numeric[]), CAST(:overdue AS boolean[]), CAST(:paid_periods AS text[]),"
    " CAST(:expenses AS numeric[]), CAST(:expenses_until AS timestamptz[]))"
    " AS n(id, version, balance, funds, overdue, paid_periods, expenses, expenses_until)"
    " JOIN locked USING (id) WHERE customer.id = n.id AND customer.account_version < n.version"
    " RETURNING customer.id"
)


@SUBSCRIPTIONS.hears(AccountChanged, AccountSettled)
def keep_accounts(session: Session, events: Sequence[Wire]) -> None:
    """Keep the newest of each customer; the holds that follow from it are set and lifted (C10, C27)."""
    newest: dict[str, Wire] = {}
    for event in sorted(events, key=lambda event: int(event["sequence"])):
        newest[event["subject"]] = event
    settled = {UUID(e["subject"]) for e in events if e["type"] == AccountSettled.type}
    kept = set(session.scalars(_KEEP, _columns(list(newest.values()))))
    accounting.follow(session, kept, settled & kept)
    frozen = {UUID(s) for s, e in newest.items() if e["data"].get("payment_frozen")} & kept
    accounting.freeze(session, kept, frozen)
    spending.follow(session, kept)


@SUBSCRIPTIONS.hears(CalendarChanged)
def keep_calendar(session: Session, events: Sequence[Wire]) -> None:
    """The days on which nobody is cut off."""
    working_days.keep(session, events)


@SUBSCRIPTIONS.hears(PackageCharged)
def keep_charges(session: Session, events: Sequence[Wire]) -> None:
    """What a period of a package costs with its tax (E25): prepaid funds have to cover that."""
    packages.keep_charges(session, events)


@SUBSCRIPTIONS.hears(AccountProved)
def keep_proofs(session: Session, events: Sequence[Wire]) -> None:
    """What payments' checks say of the books of who was deleted or restored (B17-B20)."""
    proving.keep(session, events)


@SUBSCRIPTIONS.hears(CustomerSessionsErased)
def keep_session_receipts(session: Session, events: Sequence[Wire]) -> None:
    """Radius-sync's proof that the sessions of a deleted customer are gone (A41)."""
    session_erasure.keep(session, events)


@SUBSCRIPTIONS.hears(CustomerBillingErased)
def keep_billing_receipts(session: Session, events: Sequence[Wire]) -> None:
    """Payments' proof that the billing of somebody erased is gone, too (A40)."""
    billing_erasure.keep(session, events)


def _columns(events: Sequence[Wire]) -> dict[str, list[Any]]:
    return {
        "ids": [UUID(event["subject"]) for event in events],
        "versions": [int(event["sequence"]) for event in events],
        "balances": [Decimal(event["data"]["outstanding"]) for event in events],
        "funds": [Decimal(event["data"]["available_funds"]) for event in events],
        "overdue": [bool(event["data"]["overdue"]) for event in events],
        "expenses": [Decimal(event["data"].get("expenses", 0)) for event in events],
        "expenses_until": [event["data"].get("expenses_until") for event in events],
        # Arrays of arrays have one length: so each is a literal.
        "paid_periods": [
            f"{{{','.join(event['data'].get('paid_periods', ()))}}}" for event in events
        ],
    }
