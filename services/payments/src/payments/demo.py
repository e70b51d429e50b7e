"""`python -m payments demo`: some months of bills and payments for the demo customers, once.

Everything goes the ways that real money goes, five hundred at a time, so ledger, accounts and events
are those of a real site.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from requests import RequestException
from sqlalchemy import text
from uuid_utils.compat import uuid7

from payments import billing, collection, reversing
from payments.domain import BillDraft, Item, PaymentDraft
from payments.money import Money
from payments.persistence import bills
from payments.settings import PaymentsSettings
from payments.subscriptions import SUBSCRIPTIONS
from shared import inbox
from shared.database import Database
from shared.operations import Actor
from shared.tokens import service_token

# Enough for pages, totals and charts to look like those of a small ISP.
PAYMENTS = 3000
# The demo customers arrive within seconds; a minute says that something else is wrong.
WAIT_SECONDS = 60.0
MONTH = timedelta(days=30)
ACTOR = Actor(name="demo")
METHODS = ("cash", "cash", "cash", "bkash", "bkash", "bkash", "nagad", "nagad", "sslcommerz",
           "stripe", "recharge_card", "bank_transfer", "other")  # fmt: skip
GATEWAYS = {"bkash": "bKash", "nagad": "Nagad", "sslcommerz": "SSLCommerz", "stripe": "Stripe"}
NOTES = ("paid at the counter", "collected at home", "", "", "", "sent by a relative")
Thing = TypeVar("Thing")


def load(settings: PaymentsSettings) -> None:
    """Idempotent. Ends the process when the demo data is off or no customer arrives."""
    if not settings.demo:
        sys.exit("the demo data is off: set TENURE_DEMO=1")
    database = Database(settings)
    try:
        with database.lock("demo") as mine:
            if mine and not _loaded(database):
                _await_customers(database, settings)
                fill(database, settings)
                with database.transaction() as session:
                    session.execute(_LOADED)
    finally:
        database.close()


_LOADED = text("INSERT INTO tick (name, slot, finished_at) VALUES ('demo', 0, now())")


def _loaded(database: Database) -> bool:
    with database.transaction() as session:
        return bool(session.scalar(text("SELECT true FROM tick WHERE name = 'demo'")))


def _await_customers(database: Database, settings: PaymentsSettings) -> None:
    """Walk customers' feed, beside the worker, until nothing new comes."""
    deadline, before = time.monotonic() + WAIT_SECONDS, 0
    while time.monotonic() < deadline:
        seen = _walk(database, settings)
        with database.transaction() as session:
            known = int(session.scalar(text("SELECT count(*) FROM customer_fact")) or 0)
        if known and known == before and seen == 0:
            return
        before = known
        time.sleep(0.5)
    if not before:
        sys.exit("no customer has arrived from customers: is its web role up and its demo loaded?")


def _walk(database: Database, settings: PaymentsSettings) -> int:
    """How many events came; none while customers' web role is not up yet."""
    try:
        seen, _ = inbox.walk(
            database, SUBSCRIPTIONS, "customers", settings.urls["customers"],
            lambda: service_token(settings.service, settings.service_secret),
        )  # fmt: skip
    except RequestException:
        return 0
    return seen


_CUSTOMERS = text(
    "SELECT f.id, f.currency, f.balance_control, f.operator_id, f.operator_name,"
    " coalesce(o.username, f.operator_name) AS operator_username, p.id AS package_id, p.name AS"
    " package_name, p.price, (SELECT min(b.period_start) FROM bill b WHERE b.customer_id = f.id)"
    " AS first FROM customer_fact f JOIN account a ON a.customer_id = f.id"
    " JOIN package_fact p ON p.id = f.package_id AND p.currency = a.currency AND p.price > 0"
    " LEFT JOIN operator_fact o ON o.id = f.operator_id"
    " WHERE f.erased_at IS NULL AND f.standing <> 'lead' ORDER BY f.id"
)


def fill(database: Database, settings: PaymentsSettings) -> None:
    """Bills and payments of the last months, some overdue, some void, some given back."""
    chance = random.Random(2026)  # noqa: S311 - the same demo every time, not a secret
    with database.transaction() as session:
        customers = list(session.execute(_CUSTOMERS))
        now = bills.now(session)
    months = max(2, min(24, round(PAYMENTS / max(1, len(customers)))))
    late = {c.id for c in customers if chance.random() < 0.08}
    for month in range(months, 0, -1):
        _bill(database, settings, customers, month, now)
        payers = [c for c in customers if month > 1 or c.id not in late]
        moments = [_start(c, month, now) + timedelta(hours=chance.uniform(1, 120)) for c in payers]
        _record(database, settings, [
            _payment(c, min(at, now), chance) for c, at in zip(payers, moments, strict=True)
        ])  # fmt: skip
    _pay_open(database, settings, [c for c in customers if c.id not in late], now, chance)
    _reverse(database, chance)
    while _overdue(database, settings):
        pass


def _batches(things: Sequence[Thing]) -> Iterator[Sequence[Thing]]:
    for start in range(0, len(things), billing.BATCH):
        yield things[start : start + billing.BATCH]


def _start(customer: Any, month: int, now: datetime) -> datetime:
    start: datetime = (customer.first or now) - month * MONTH
    return start


def _record(database: Database, settings: PaymentsSettings, drafts: Sequence[PaymentDraft]) -> None:
    for batch in _batches(drafts):
        with database.transaction() as session:
            collection.record(session, batch, settings, ACTOR)


def _bill(
    database: Database,
    settings: PaymentsSettings,
    customers: Sequence[Any],
    month: int,
    now: datetime,
) -> None:
    for batch in _batches(customers):
        drafts = []
        for customer in batch:
            start = _start(customer, month, now)
            drafts.append(
                BillDraft(
                    customer_id=customer.id,
                    currency=customer.currency,
                    items=(
                        Item(
                            description=customer.package_name,
                            amount=customer.price,
                            package_id=customer.package_id,
                        ),
                    ),
                    issued_at=start,
                    due_at=start + timedelta(days=settings.due_days),
                    period_start=start,
                    period_end=start + MONTH,
                )
            )
        with database.transaction() as session:
            billing.issue(session, drafts, settings, ACTOR)


_OPEN = text(
    "SELECT customer_id, total - paid AS due FROM bill WHERE status IN ('open', 'overdue')"
    " AND customer_id = ANY(:customers)"
)


def _pay_open(
    database: Database,
    settings: PaymentsSettings,
    customers: Sequence[Any],
    now: datetime,
    chance: random.Random,
) -> None:
    """The running period's bills, which activations made: most are paid."""
    known = {customer.id: customer for customer in customers}
    with database.transaction() as session:
        due = list(session.execute(_OPEN, {"customers": list(known)}))
    payers = [known[row.customer_id] for row in due if chance.random() < 0.9]
    moments = [now - timedelta(minutes=chance.uniform(5, 3000)) for _ in payers]
    _record(database, settings, [
        _payment(c, at, chance) for c, at in zip(payers, moments, strict=True)
    ])  # fmt: skip


def _payment(customer: Any, at: datetime, chance: random.Random) -> PaymentDraft:
    method = chance.choice(METHODS)
    gateway = method if method in GATEWAYS else None
    settled = at + timedelta(hours=20) if gateway else None
    reference = None
    if gateway:
        reference = f"{method[:2].upper()}{uuid7().hex[-10:].upper()}"
    elif method == "bank_transfer":
        reference = f"TT-{chance.randrange(10**6):06d}"
    return PaymentDraft(
        customer_id=customer.id,
        amount=customer.price,
        currency=customer.currency,
        method=method,
        paid_at=at - timedelta(minutes=2),
        recorded_at=at,
        settled_at=settled if settled and settled < datetime.now(UTC) else None,
        operator_id=None if gateway else customer.operator_id,
        operator_name=GATEWAYS[method] if gateway else customer.operator_name,
        receipt_owner=customer.operator_username,
        gateway=gateway,
        transaction_reference=reference,
        note=None if gateway else chance.choice(NOTES) or None,
    )


def _reverse(database: Database, chance: random.Random) -> None:
    """Slips of cashiers, and money given back."""
    with database.transaction() as session:
        ids: list[UUID] = list(
            session.scalars(
                text("SELECT id FROM payment WHERE method = 'cash' ORDER BY recorded_at, id")
            )
        )
    for payment_id in chance.sample(ids, min(len(ids), 20)):
        with database.transaction() as session:
            reversing.void(session, payment_id, "entered for the wrong customer", ACTOR)
        ids.remove(payment_id)
    for payment_id in chance.sample(ids, min(len(ids), 10)):
        with database.transaction() as session:
            row = session.execute(
                text("SELECT amount, currency FROM payment WHERE id = :id"), {"id": payment_id}
            ).one()
            reversing.refund(
                session, payment_id, Money(row.amount, row.currency), "moved away", ACTOR
            )


def _overdue(database: Database, settings: PaymentsSettings) -> int:
    with database.transaction() as session:
        return billing.mark_overdue(session, settings)
