"""Dunning: reminders, promises to pay, and no cut-off on a holiday, whatever happens (C9-C15)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
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
from tests.payments.stage import NORTH, SOUTH, Stage

LONG_AGO = "2026-01-01T00:00:00Z"
ZONE = ZoneInfo("Asia/Dhaka")
ACTOR = Actor(name="machine")


def today() -> date:
    return datetime.now(ZONE).date()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def put(stage: Stage, url: str, body: dict[str, Any], match: str | None = None) -> Any:
    headers = {**stage.bearer(), "If-Match": match or stage.get(url).headers["ETag"]}
    return stage.client.put(url, json=body, headers=headers)


def holidays(stage: Stage, *days: date, weekend: tuple[int, ...] = ()) -> None:
    named = [{"day": day.isoformat(), "name": "Eid"} for day in days]
    answer = put(stage, "/v1/holidays", {"weekend": list(weekend), "holidays": named})
    assert answer.status_code == 200, answer.json


def policy(stage: Stage, name: str = "default", **more: Any) -> Any:
    body = {"grace_days": 3, "promise_days": 7, "promises_a_quarter": 3, **more}
    return put(stage, f"/v1/dunning-policies/{name}", body)


def promise(stage: Stage, customer: UUID, days: int = 3, path: str = "1/", **more: Any) -> Any:
    body = {"until": (today() + timedelta(days=days)).isoformat(), **more}
    role: Any = "admin" if path == "1/" else "reseller"
    return stage.post(f"/v1/customers/{customer}/promises", body, path, role)


def overdue(stage: Stage, customer: UUID) -> bool:
    found = bool(stage.events(customer)[-1].data["overdue"])
    assert stage.balance(customer)["overdue"] == found
    return found


@pytest.fixture
def clock(database: Database, settings: PaymentsSettings) -> Iterator[Any]:
    def ring() -> None:
        tasks.mark_overdue(database, settings)
        tasks.remind(database, settings)

    return ring  # type: ignore[return-value]


def test_nobody_is_overdue_on_a_holiday_but_on_the_next_working_day(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, due_at=LONG_AGO)
    holidays(stage, today())

    clock()

    assert stage.get(f"/v1/bills/{bill['id']}").json["status"] == "overdue"  # type: ignore[index]
    assert not overdue(stage, customer)
    holidays(stage)
    clock()
    assert overdue(stage, customer)
    seen = stage.events(customer)[-1].sequence
    clock()
    assert stage.types(customer, seen) == [], "told once"


def test_nobody_is_overdue_on_a_weekend_of_the_isps_time_zone(stage: Stage, clock: Any) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    holidays(stage, weekend=(today().isoweekday(),))
    clock()
    assert not overdue(stage, customer)
    holidays(stage, weekend=((today().isoweekday()) % 7 + 1,))
    clock()
    assert overdue(stage, customer)


def test_who_is_cut_off_already_stays_so_on_a_holiday(stage: Stage, clock: Any) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    holidays(stage, today())
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    assert overdue(stage, customer)


def test_a_payment_that_is_void_on_a_holiday_cuts_nobody_off_that_day(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    paid = stage.paid(customer, "500.00")
    assert not overdue(stage, customer)
    holidays(stage, today())

    stage.post(f"/v1/payments/{paid['id']}/void", {"reason": "bounced"})
    clock()

    assert not overdue(stage, customer)
    holidays(stage)
    clock()
    assert overdue(stage, customer)


def test_a_class_has_its_own_grace(stage: Stage, clock: Any) -> None:
    business = uuid4()
    assert policy(stage, grace_days=1).status_code == 200
    assert policy(stage, str(business), grace_days=30).status_code == 200
    patient = stage.customer("Company", class_id=business)
    hurried = stage.customer("Karim", class_id=uuid4())
    due = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    for customer in (patient, hurried):
        stage.bill(customer, due_at=due)
    clock()
    assert overdue(stage, hurried)
    assert not overdue(stage, patient)
    policy(stage, str(business), grace_days=0)
    clock()
    assert overdue(stage, patient)


def test_a_promise_lifts_the_suspension_until_its_day_is_over(stage: Stage, clock: Any) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    assert overdue(stage, customer)

    made = promise(stage, customer, 2, NORTH, note="after the salary")

    assert made.status_code == 201, made.json
    ends = datetime.combine(today() + timedelta(days=3), datetime.min.time(), ZONE)
    assert datetime.fromisoformat(made.json["until"]) == ends
    assert made.json["amount"]["amount"] == "500.00"
    assert not overdue(stage, customer)
    clock()
    assert not overdue(stage, customer)
    assert code(promise(stage, customer)) == (409, "promise_stands")
    stage.rows("UPDATE promise SET until = now() - interval '1 s' RETURNING 1")
    holidays(stage, today())
    clock()
    assert not overdue(stage, customer), "a promise ends on a working day"
    holidays(stage)
    clock()
    assert overdue(stage, customer)
    listed: Any = stage.get("/v1/promises", NORTH, "reseller", state="broken").json
    assert [row["id"] for row in listed["items"]] == [made.json["id"]]


def test_a_promise_is_kept_by_paying_what_was_promised(stage: Stage, clock: Any) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    money = {"amount": "300.00", "currency": "BDT"}
    made = promise(stage, customer, amount=money).json

    stage.paid(customer, "299.99")
    assert not overdue(stage, customer)
    stage.paid(customer, "0.01")

    found: Any = stage.get("/v1/promises", customer_id=str(customer)).json["items"][0]  # type: ignore[index]
    assert (found["id"], found["state"]) == (made["id"], "kept")
    assert overdue(stage, customer), "what was not promised is late"
    stage.paid(customer, "200.00")
    assert not overdue(stage, customer)
    assert stage.types(customer)[-1] == "account.settled"


def test_promises_are_capped_in_days_and_number(stage: Stage) -> None:
    customer = stage.customer()
    assert code(promise(stage, customer)) == (409, "nothing_owed")
    stage.bill(customer, due_at=LONG_AGO)
    assert code(promise(stage, customer, 8)) == (422, "promise_too_long")
    assert code(promise(stage, customer, -1)) == (422, "promise_too_long")
    money = {"amount": "500.01", "currency": "BDT"}
    assert code(promise(stage, customer, amount=money)) == (422, "more_than_owed")
    for _ in range(3):
        made = promise(stage, customer, 7)
        assert made.status_code == 201
        withdrawn = stage.post(f"/v1/promises/{made.json['id']}/withdraw", {"reason": "a slip"})
        assert withdrawn.json["state"] == "withdrawn"  # type: ignore[index]
    assert code(promise(stage, customer)) == (409, "too_many_promises")
    assert code(stage.post(f"/v1/promises/{made.json['id']}/withdraw", {"reason": "slip"})) == (
        409, "promise_ended",
    )  # fmt: skip
    logged = stage.rows("SELECT action FROM operation WHERE action LIKE 'promise.%'")
    assert len(logged) == 6


def test_each_reminder_is_told_once_and_only_for_what_is_unpaid(stage: Stage, clock: Any) -> None:
    policy(stage, remind_days=[-3, 1])
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    late = (datetime.now(UTC) - timedelta(days=1, hours=1)).isoformat()
    customer, paid = stage.customer(), stage.customer("Rahim")
    first = stage.bill(customer, "500.00", due_at=soon)
    second = stage.bill(customer, "200.00", due_at=late)
    stage.bill(customer, "10.00", due_at=LONG_AGO)
    stage.bill(paid, "5.00", due_at=soon)
    stage.paid(paid, "5.00")
    stage.paid(customer, "30.00")

    clock()
    clock()

    told = [row.data for row in stage.events(customer) if row.type == "bill.reminder"]
    assert {(data["bill_id"], data["day"], data["unpaid"]) for data in told} == {
        (first["id"], -3, "500.00"), (second["id"], 1, "180.00"),
    }  # fmt: skip
    assert len(told) == 2
    assert "bill.reminder" not in stage.types(paid)
    listed: Any = stage.get("/v1/reminders", NORTH, "reseller", customer_id=str(customer)).json
    assert len(listed["items"]) == 2


def test_policies_and_holidays_are_written_over_what_was_read(stage: Stage) -> None:
    assert policy(stage, grace_days=5).headers["ETag"] == '"1"'
    assert policy(stage, grace_days=6).headers["ETag"] == '"2"'
    body = {"grace_days": 1, "promise_days": 7, "promises_a_quarter": 3}
    assert put(stage, "/v1/dunning-policies/default", body, '"1"').status_code == 412
    assert stage.client.put(
        "/v1/dunning-policies/default", json=body, headers=stage.bearer()
    ).status_code == 428  # fmt: skip
    calendar: dict[str, Any] = {"weekend": [], "holidays": []}
    assert put(stage, "/v1/holidays", calendar, '"9"').status_code == 412
    items: Any = stage.get("/v1/dunning-policies").json
    assert [(item["class_id"], item["grace_days"]) for item in items["items"]] == [(None, 6)]


def test_only_an_admin_sets_policies_and_holidays(stage: Stage) -> None:
    for url in ("/v1/dunning-policies/default", "/v1/holidays"):
        assert stage.get(url, NORTH, "reseller").status_code == 200
        headers = {**stage.bearer(NORTH, "manager"), "If-Match": "*"}
        answer: Any = stage.client.put(url, json={}, headers=headers)
        assert (answer.status_code, answer.json["permission"]) == (403, "dunning.write")
    assert stage.get("/v1/dunning-policies/nonsense").status_code == 404


def test_bad_policies_holidays_and_promises_are_refused_by_the_field(stage: Stage) -> None:
    for url, good, bad in (
        ("/v1/dunning-policies/default", {"grace_days": 1, "promise_days": 1, "promises_a_quarter": 1},
         ({"grace_days": -1}, {"remind_days": [1, 1]}, {"promise_days": 91}, {"colour": 1})),
        ("/v1/holidays", {"weekend": [], "holidays": []},
         ({"weekend": [0]}, {"weekend": [1, 2, 3, 4, 5, 6, 7]},
          {"holidays": [{"day": "2026-02-30", "name": "x"}]},
          {"holidays": [{"day": "2026-02-01", "name": "x"}, {"day": "2026-02-01", "name": "y"}]})),
    ):  # fmt: skip
        for change in bad:
            answer: Any = put(stage, url, {**good, **change}, "*")
            assert answer.status_code == 422, change
            assert answer.json["errors"][0]["pointer"].startswith(f"/{next(iter(change))}")
    customer = stage.customer()
    stage.bill(customer)
    assert stage.post(f"/v1/customers/{customer}/promises", {"until": "soon"}).status_code == 422


def test_promises_of_another_branch_are_not_there(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer)
    assert promise(stage, customer, path=SOUTH).status_code == 404
    made = promise(stage, customer, path=NORTH).json
    answer = stage.post(
        f"/v1/promises/{made['id']}/withdraw", {"reason": "slip"}, SOUTH, "reseller"
    )
    assert answer.status_code == 404
    assert stage.get("/v1/promises", SOUTH, "reseller").json["items"] == []  # type: ignore[index]
    assert stage.get("/v1/reminders", SOUTH, "reseller").json["items"] == []  # type: ignore[index]


def test_an_erased_customers_promise_keeps_no_note_and_does_not_stand(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    promise(stage, customer, note="when Karim is back")
    stage.erase(customer)
    assert stage.rows("SELECT note, state FROM promise") == [(None, "withdrawn")]
    seen = stage.rows("SELECT count(*) FROM outbox")
    clock()
    assert stage.rows("SELECT count(*) FROM outbox") == seen
    other = stage.customer("Rahim")
    stage.bill(other, due_at=LONG_AGO)
    promise(stage, other, note="soon")
    stage.erase(other, "everything")
    assert stage.rows("SELECT 1 FROM promise WHERE customer_id = :id", id=other) == []


def test_automatic_payments_are_frozen_after_three_failures_and_thawed_by_a_payment_c29(
    stage: Stage,
) -> None:
    customer = stage.customer()
    url = f"/v1/customers/{customer}/auto-payment-failures"

    answers: list[Any] = [
        stage.post(url, {"reason": "card cancelled"}, NORTH, "reseller").json for _ in range(3)
    ]

    assert [(a["failures"], a["payment_frozen"]) for a in answers] == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip
    assert [row.data["payment_frozen"] for row in stage.events(customer)] == [False, False, True]
    stage.paid(customer, "5.00")
    assert stage.events(customer)[-1].data["payment_frozen"] is False
    again: Any = stage.post(url, {"reason": "card cancelled"}).json
    assert again["failures"] == 1
    assert stage.post(url, {"reason": "card gone"}, SOUTH, "reseller").status_code == 404
    assert stage.post(url, {}).status_code == 422


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
        with self.database.transaction() as session:
            assert proving.prove(session)["differences"] == 0


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
