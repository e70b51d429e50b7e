"""Dunning: who is cut off and who is reminded, on which day (C9-C15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from payments.dunning import CALENDAR
from tests.payments.dunning import LONG_AGO, holidays, overdue, policy, today
from tests.payments.stage import NORTH, SOUTH, Stage


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


def test_customers_are_told_the_whole_calendar(stage: Stage) -> None:
    holidays(stage, today(), weekend=(5, 6))
    told = stage.events(CALENDAR)
    assert [(row.type, row.operator_path) for row in told] == [("calendar.changed", "")]
    assert told[0].data == {
        "weekend": [5, 6], "holidays": {today().isoformat(): "Eid"}, "time_zone": "Asia/Dhaka",
    }  # fmt: skip
    assert told[0].sequence == stage.get("/v1/holidays").json["version"]  # type: ignore[index]


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
