"""The books are exact whatever happens in whatever order (promise 3)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments import billing, collection, crediting, proving, recording, reversing, voiding
from payments.domain import BillDraft, Item, PaymentDraft, PossibleDuplicate, Refused
from payments.money import Money
from payments.settings import PaymentsSettings
from payments.taxing import TaxRule, taxed
from shared.database import Database
from shared.operations import Actor
from tests.payments.stage import Stage

ACTOR = Actor(name="machine")
# Few amounts, so that bills and payments meet often: exact cover, one paisa less, one more.
AMOUNTS = st.sampled_from(
    [Decimal(text) for text in ("0.01", "1.00", "2.00", "2.99", "5.00", "10.00")]
)
WHO = st.sampled_from((0, 0, 0, 1))


class Books(RuleBasedStateMachine):
    """Any sequence of bills, payments, voids, refunds, duplicates and overdue ticks."""

    database: Database
    payments_settings: PaymentsSettings
    stage: Stage
    bills = Bundle("bills")
    payments = Bundle("payments")
    credits = Bundle("credits")

    def __init__(self) -> None:
        super().__init__()
        # Of each run their own: what an earlier one left would let the same steps end otherwise.
        self.customers = (self.stage.customer("One"), self.stage.customer("Two"))
        self.billed: dict[UUID, Decimal] = dict.fromkeys(self.customers, Decimal(0))
        self.received: dict[UUID, Decimal] = dict.fromkeys(self.customers, Decimal(0))

    def credited(self, session: Session, customer: UUID) -> Decimal:
        """Credits that stand: signed entries of what was billed (E27)."""
        found = session.scalar(
            text("SELECT coalesce(sum(amount - reversed), 0) FROM credit WHERE customer_id = :id"),
            {"id": customer},
        )
        return Decimal(found or 0)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.database.transaction() as session:
            yield session

    @rule(target=bills, who=WHO, amount=AMOUNTS, due=st.integers(-30, 30))
    def issue(self, who: int, amount: Decimal, due: int) -> Any:
        customer, now = self.customers[who], datetime.now(UTC)
        line = Item(description="Line", amount=amount)
        draft = BillDraft(
            customer_id=customer, currency="BDT", items=(taxed(line, TaxRule(Decimal(15)), "BDT"),),
            issued_at=now, due_at=now + timedelta(days=due),
        )  # fmt: skip
        with self.writing() as session:
            (bill,) = billing.issue(session, [draft], self.payments_settings, ACTOR)
        self.billed[customer] += amount
        return (bill, customer, amount)

    @rule(target=payments, who=WHO, amounts=st.lists(AMOUNTS, min_size=2, max_size=4))
    def at_once(self, who: int, amounts: list[Decimal]) -> Any:
        """Several cashiers at the same moment."""
        customer = self.customers[who]

        def record(amount: Decimal) -> UUID:
            with self.writing() as session:
                draft = self.draft(customer, amount)
                (payment,) = collection.record(session, [draft], self.payments_settings, ACTOR)
            return payment

        with ThreadPoolExecutor(len(amounts)) as pool:
            paid = list(pool.map(record, amounts))
        self.received[customer] += sum(amounts)
        return multiple(
            *((one, customer, amount) for one, amount in zip(paid, amounts, strict=True))
        )

    @rule(target=payments, who=WHO, amount=AMOUNTS)
    def pay(self, who: int, amount: Decimal) -> Any:
        customer = self.customers[who]
        with self.writing() as session:
            (payment,) = collection.record(
                session, [self.draft(customer, amount)], self.payments_settings, ACTOR
            )
        self.received[customer] += amount
        return (payment, customer, amount)

    def draft(self, customer: UUID, amount: Decimal, reference: str | None = None) -> PaymentDraft:
        now = datetime.now(UTC)
        return PaymentDraft(
            customer_id=customer, amount=amount, currency="BDT",
            method="bkash" if reference else "cash", paid_at=now, recorded_at=now,
            operator_id=None, operator_name="machine", receipt_owner="machine",
            transaction_reference=reference,
        )  # fmt: skip

    @rule(paid=payments)
    def send_again(self, paid: tuple[UUID, UUID, Decimal]) -> None:
        """A duplicate is warned of, and costs nothing."""
        _, customer, amount = paid
        with self.writing() as session:
            live = session.scalar(
                text(
                    "SELECT count(*) FROM payment WHERE customer_id = :c AND amount = :a"
                    " AND status <> 'voided'"
                ),
                {"c": customer, "a": amount},
            )
            draft = self.draft(customer, amount)
            slip = {"customer_id": customer, "amount": amount, "method": "cash", "reference": None}
            counter = recording.open_counter(
                session, [slip], None, "machine", self.payments_settings
            )
            (done,) = recording.record_each(
                session, [draft], counter, self.payments_settings, ACTOR
            )
            assert isinstance(done, PossibleDuplicate) == bool(live)
        if not live:
            self.received[customer] += amount

    @rule(who=WHO, amount=AMOUNTS)
    def tell_twice(self, who: int, amount: Decimal) -> None:
        """The same transaction of a gateway, twice: the second is refused as a whole."""
        customer, reference = self.customers[who], uuid7().hex
        draft = self.draft(customer, amount, reference)
        with self.writing() as session:
            collection.record(session, [draft], self.payments_settings, ACTOR)
        self.received[customer] += amount
        with pytest.raises(Refused), self.writing() as session:
            collection.record(session, [draft], self.payments_settings, ACTOR)

    @rule(billed=consumes(bills))
    def void_bill(self, billed: tuple[UUID, UUID, Decimal]) -> None:
        bill, customer, amount = billed
        with self.writing() as session:
            voiding.void(session, bill, "machine", ACTOR)
        self.billed[customer] -= amount

    @rule(paid=consumes(payments))
    def void_payment(self, paid: tuple[UUID, UUID, Decimal]) -> None:
        payment, customer, amount = paid
        try:
            with self.writing() as session:
                reversing.void(session, payment, "machine", ACTOR)
        except Refused as refused:
            assert refused.code == "refunded"
        else:
            self.received[customer] -= amount

    @rule(target=payments, paid=consumes(payments), wanted=AMOUNTS)
    def refund(self, paid: tuple[UUID, UUID, Decimal], wanted: Decimal) -> Any:
        payment, customer, _ = paid
        try:
            with self.writing() as session:
                reversing.refund(session, payment, Money(wanted, "BDT"), "machine", ACTOR)
        except Refused as refused:
            assert refused.code in ("more_than_paid", "refunded")
            return paid if refused.code == "more_than_paid" else multiple()
        self.received[customer] -= wanted
        return paid

    @rule(target=credits, who=WHO, amount=AMOUNTS)
    def adjust(self, who: int, amount: Decimal) -> Any:
        customer = self.customers[who]
        with self.writing() as session:
            return crediting.adjust(
                session, customer, Money(amount, "BDT"), "machine", self.payments_settings, ACTOR
            )

    @rule(target=credits, who=WHO, amount=AMOUNTS)
    def write_off(self, who: int, amount: Decimal) -> Any:
        try:
            with self.writing() as session:
                return crediting.write_off(
                    session, self.customers[who], Money(amount, "BDT"), "machine",
                    self.payments_settings, ACTOR,
                )  # fmt: skip
        except Refused as refused:
            assert refused.code in ("nothing_owed", "more_than_owed")
            return multiple()

    @rule(target=credits, billed=bills, amount=AMOUNTS)
    def credit_note(self, billed: tuple[UUID, UUID, Decimal], amount: Decimal) -> Any:
        try:
            with self.writing() as session:
                return crediting.credit_note(
                    session, billed[0], Money(amount, "BDT"), "machine",
                    self.payments_settings, ACTOR,
                )  # fmt: skip
        except Refused as refused:
            assert refused.code in ("more_than_billed", "credited", "written_off")
            return multiple()

    @rule(given=consumes(credits))
    def reverse_credit(self, given: UUID) -> None:
        try:
            with self.writing() as session:
                crediting.reverse(session, given, "machine", ACTOR)
        except Refused as refused:
            assert refused.code == "already_reversed"

    @rule(days=st.integers(0, 40))
    def tick(self, days: int) -> None:
        with self.writing() as session:
            billing.mark_overdue(
                session, self.payments_settings, datetime.now(UTC) + timedelta(days=days)
            )

    @invariant()
    def the_books_are_exact(self) -> None:
        assert proving.prove(self.database)["differences"] == 0
        with self.writing() as session:
            assert session.scalar(text("SELECT coalesce(sum(amount), 0) FROM ledger_entry")) == 0
            for customer in self.customers:
                row = session.execute(
                    text("SELECT * FROM account WHERE customer_id = :id"), {"id": customer}
                ).one()
                assert row.billed == self.billed[customer] - self.credited(session, customer)
                assert row.paid == self.received[customer]
                assert row.outstanding == row.billed - row.paid
            # What was given up never becomes money to spend.
            assert session.execute(text(_SPENDABLE)).all() == []
            # No payment is matched beyond its money, no bill beyond its total, and money never
            # waits while a bill of the same customer is open.
            assert session.execute(text(_BEYOND)).all() == []

    @invariant()
    def each_event_of_a_customer_has_a_number_of_its_own(self) -> None:
        with self.writing() as session:
            doubled = session.execute(
                text("SELECT subject, sequence FROM outbox GROUP BY 1, 2 HAVING count(*) > 1")
            ).all()
        assert doubled == []


_SPENDABLE = "SELECT id FROM credit WHERE kind = 'write_off' AND amount - reversed - allocated <> 0"
_BEYOND = (
    "SELECT p.id FROM payment p JOIN allocation a ON a.payment_id = p.id GROUP BY p.id"
    " HAVING sum(a.amount) > p.amount - p.refunded"
    " UNION ALL SELECT b.id FROM bill b JOIN allocation a ON a.bill_id = b.id GROUP BY b.id"
    " HAVING sum(a.amount) > b.total"
    " UNION ALL SELECT customer_id FROM account a WHERE available_funds > 0 AND EXISTS (SELECT FROM"
    " bill b WHERE b.customer_id = a.customer_id AND b.status IN ('open', 'partly_paid', 'overdue'))"
)


def test_any_sequence_of_bills_payments_voids_and_refunds_keeps_the_books_exact_e27(
    stage: Stage,
    database: Database,
    settings: PaymentsSettings,
) -> None:
    Books.database, Books.payments_settings = database, settings
    Books.stage = stage
    run_state_machine_as_test(Books, settings=MACHINE)


MACHINE = hypothesis_settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
