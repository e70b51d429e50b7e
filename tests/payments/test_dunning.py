"""Dunning: who is cut off and who is reminded, on which day (C9-C15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from payments.dunning import CALENDAR
from tests.payments.dunning import LONG_AGO, holidays, overdue, policy, promise, today
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.noon import NOON


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
        "weekend": [5, 6], "holidays": {today().isoformat(): "Eid"}, "time_zone": NOON.key,
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


def test_what_falls_due_while_a_customer_is_exported_suspends_nobody_until_it_is_over_c33_c37_c38(
    stage: Stage, clock: Any
) -> None:
    policy(stage, remind_days=[1])
    moving, before = stage.customer(), stage.customer("Rahim Uddin")
    late = (datetime.now(UTC) - timedelta(days=1, hours=1)).isoformat()
    bills = [stage.bill(moving, due_at=day) for day in (LONG_AGO, late)]
    stage.bill(before, due_at=LONG_AGO)
    stage.update(moving, holds=("export",))
    seen = stage.events(moving)[-1].sequence

    clock()

    assert stage.types(moving, seen) == [], "neither overdue nor reminded"
    assert overdue(stage, before)
    assert {stage.get(f"/v1/bills/{bill['id']}").json["status"] for bill in bills} == {"open"}  # type: ignore[index]
    stage.update(moving, holds=())
    clock()
    assert overdue(stage, moving)
    assert "bill.reminder" in stage.types(moving, seen)


def test_who_was_overdue_stays_so_while_exported_and_a_payment_settles_it_c37_c38(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00", due_at=LONG_AGO)
    clock()
    stage.update(customer, holds=("overdue", "export"))
    clock()
    assert overdue(stage, customer), "as on the source system"

    paid = stage.paid(customer, "500.00")
    assert not overdue(stage, customer)
    stage.post(f"/v1/payments/{paid['id']}/void", {"reason": "bounced"})
    clock()

    assert not overdue(stage, customer), "cut off when billing goes on"
    stage.update(customer, holds=())
    clock()
    assert overdue(stage, customer)


def test_a_promise_whose_day_is_over_stands_while_its_customer_is_exported_c33(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    made = promise(stage, customer)
    assert made.status_code == 201, made.json
    stage.update(customer, holds=("export",))
    stage.rows("UPDATE promise SET until = now() - interval '1 hour' RETURNING 1")

    clock()

    assert not overdue(stage, customer)
    assert stage.rows("SELECT state FROM promise") == [("open",)]
    stage.update(customer, holds=())
    clock()
    assert overdue(stage, customer)
    assert stage.rows("SELECT state FROM promise") == [("broken",)]


def test_nobody_is_reminded_who_is_deleted_or_served_elsewhere_a4_c32(
    stage: Stage, clock: Any
) -> None:
    policy(stage, remind_days=[1])
    late = (datetime.now(UTC) - timedelta(days=1, hours=1)).isoformat()
    told = {}
    for standing in ("customer", "closed", "deleted", "exported"):
        customer = stage.customer(standing.title())
        stage.bill(customer, due_at=late)
        stage.update(customer, standing=standing)
        told[standing] = customer

    clock()

    reminded = [who for who, one in told.items() if "bill.reminder" in stage.types(one)]
    assert reminded == ["customer", "closed"], "who was closed still owes"


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


def frozen(stage: Stage, customer: UUID) -> bool:
    """Whether the automatic payments are, as customers was told last."""
    return bool(stage.events(customer)[-1].data["payment_frozen"])


def test_the_class_says_how_many_failures_freeze_automatic_payments_c29(stage: Stage) -> None:
    once, often = stage.customer("Once", retry_limit=1), stage.customer("Often", retry_limit=5)

    def fail(customer: UUID) -> Any:
        url = f"/v1/customers/{customer}/auto-payment-failures"
        return stage.post(url, {"reason": "card cancelled"}).json

    assert (fail(once)["payment_frozen"], frozen(stage, once)) == (True, True)
    assert [fail(often)["payment_frozen"] for _ in range(5)] == [False] * 4 + [True]
    assert frozen(stage, often)


def test_another_limit_freezes_and_thaws_at_once_and_tells_nobody_else_c29(stage: Stage) -> None:
    customer, other = stage.customer(), stage.customer("Other")
    for _ in range(2):
        stage.post(f"/v1/customers/{customer}/auto-payment-failures", {"reason": "no cover"})
    assert not frozen(stage, customer)

    stage.update(customer, retry_limit=2)
    assert frozen(stage, customer)
    stage.update(customer, retry_limit=4)
    assert not frozen(stage, customer)
    told = len(stage.events(customer))
    stage.update(customer, retry_limit=3)
    stage.update(other, retry_limit=1)
    assert (len(stage.events(customer)), stage.events(other)) == (told, [])
