"""Nobody is cut off on a holiday, whatever comes in whatever order (C9-C15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from uuid_utils.compat import uuid7

from payments import billing, collection, dunning, proving, reversing, tasks
from payments.domain import BillDraft, Item, PaymentDraft, Refused
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.operations import Actor
from tests.payments.dunning import today
from tests.payments.stage import Stage

ACTOR = Actor(name="machine")


class Dunning(RuleBasedStateMachine):
    """Any order of bills, payments, voids, promises, holidays and the clock."""

    database: Database
    payments_settings: PaymentsSettings
    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        # A new one for each example: what it finds must not depend on the last one.
        self.customer = self.stage.customer()
        self.holiday = False
        self.payments: list[UUID] = []
        self.set_day(holiday=False)
        self.before = self.account().overdue

    def account(self) -> Any:
        with self.database.transaction() as session:
            return session.execute(
                text("SELECT * FROM account WHERE customer_id = :id"), {"id": self.customer}
            ).one()

    def set_day(self, *, holiday: bool) -> None:
        with self.database.transaction() as session:
            session.execute(text("DELETE FROM holiday"))
            if holiday:
                session.execute(
                    text(
                        "INSERT INTO holiday SELECT (now() AT TIME ZONE time_zone)::date, 'Eid'"
                        " FROM calendar"
                    )
                )

    @rule(holiday=st.booleans())
    def day(self, holiday: bool) -> None:
        self.set_day(holiday=holiday)
        self.holiday = holiday

    @rule(days=st.integers(-30, 5), amount=st.sampled_from(("1.00", "5.00")))
    def bill(self, days: int, amount: str) -> None:
        now = datetime.now(UTC)
        draft = BillDraft(
            customer_id=self.customer, currency="BDT", issued_at=now,
            items=(Item(description="Line", amount=Decimal(amount)),),
            due_at=now + timedelta(days=days),
        )  # fmt: skip
        with self.database.transaction() as session:
            billing.issue(session, [draft], self.payments_settings, ACTOR)

    def pay(self, amount: Decimal) -> None:
        now = datetime.now(UTC)
        draft = PaymentDraft(
            customer_id=self.customer, amount=amount, currency="BDT", method="cash", paid_at=now,
            recorded_at=now, operator_id=None, operator_name="m", receipt_owner="m", id=uuid7(),
        )  # fmt: skip
        with self.database.transaction() as session:
            self.payments += collection.record(session, [draft], self.payments_settings, ACTOR)

    @rule()
    def pay_a_little(self) -> None:
        self.pay(Decimal("0.50"))

    # No precondition: what a row says must not steer what is drawn next.
    @rule(more=st.sampled_from(("0.00", "0.01", "3.00")))
    def pay_what_is_overdue(self, more: str) -> None:
        late = self.account()
        if late.overdue_amount == 0:
            return
        self.pay(late.overdue_amount + Decimal(more))
        lifted = self.account()
        assert not lifted.overdue
        if late.overdue:
            with self.database.transaction() as session:
                last = session.scalar(
                    text(
                        "SELECT type FROM outbox WHERE subject = :id ORDER BY sequence DESC LIMIT 1"
                    ),
                    {"id": self.customer},
                )
            assert last == "account.settled"

    @rule()
    def void(self) -> None:
        if not self.payments:
            return
        with self.database.transaction() as session:
            reversing.void(session, self.payments.pop(), "bounced", ACTOR)

    @rule(days=st.integers(0, 3))
    def promise(self, days: int) -> None:
        try:
            with self.database.transaction() as session:
                dunning.promise(
                    session, self.customer, today() + timedelta(days=days), None, None,
                    self.payments_settings, ACTOR,
                )  # fmt: skip
        except Refused as refused:
            assert refused.code in ("nothing_owed", "promise_stands", "too_many_promises")

    @rule(over=st.booleans())
    def clock(self, over: bool) -> None:
        if over:
            with self.database.transaction() as session:
                session.execute(
                    text("UPDATE promise SET until = now() - interval '1 s' WHERE state = 'open'")
                )
        tasks.mark_overdue(self.database, self.payments_settings)
        account = self.account()
        if not self.holiday and account.promised_until is None:
            assert account.overdue == (account.overdue_amount > 0)

    @invariant()
    def nobody_is_cut_off_on_a_holiday_or_while_a_promise_stands(self) -> None:
        account = self.account()
        if self.holiday:
            assert not account.overdue or self.before
        assert not (account.overdue and account.promised_until is not None)
        self.before = account.overdue
        assert proving.prove(self.database)["differences"] == 0


def test_no_cut_off_on_a_holiday_and_any_payment_that_covers_lifts_c10_c13(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    Dunning.database, Dunning.payments_settings = database, settings
    Dunning.stage = stage
    run_state_machine_as_test(
        Dunning,
        settings=hypothesis_settings(
            max_examples=15, stateful_step_count=25, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip
