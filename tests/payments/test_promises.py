"""Promises to pay: they lift a suspension until their day is over, within limits (C9-C15)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.payments.dunning import LONG_AGO, code, holidays, overdue, promise, today
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.noon import NOON


def test_a_promise_lifts_the_suspension_until_its_day_is_over(stage: Stage, clock: Any) -> None:
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    assert overdue(stage, customer)

    made = promise(stage, customer, 2, NORTH, note="after the salary")

    assert made.status_code == 201, made.json
    ends = datetime.combine(today() + timedelta(days=3), datetime.min.time(), NOON)
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


def test_a_payment_beside_a_promise_settles_what_was_late_c15(stage: Stage, clock: Any) -> None:
    """Else a postponement that was made beside the promise would outlast the payment."""
    customer = stage.customer()
    stage.bill(customer, "500.00", due_at=LONG_AGO)
    clock()
    promise(stage, customer)
    assert not overdue(stage, customer)

    stage.paid(customer, "200.00")
    assert stage.types(customer)[-1] == "account.changed", "300 are late"
    stage.paid(customer, "300.00")
    assert stage.types(customer)[-1] == "account.settled"
    stage.paid(customer, "10.00")
    assert stage.types(customer)[-1] == "account.changed", "once"


def test_a_payment_on_a_holiday_settles_what_nobody_was_cut_off_for_yet_c15(
    stage: Stage, clock: Any
) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00", due_at=LONG_AGO)
    holidays(stage, today())
    clock()
    assert not overdue(stage, customer)

    stage.paid(customer, "500.00")

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


def test_what_is_paid_beside_a_promise_settles_the_account(stage: Stage, clock: Any) -> None:
    """C15: nothing was overdue, since it was promised; a postponed suspension ends all the same."""
    customer = stage.customer()
    stage.bill(customer, due_at=LONG_AGO)
    clock()
    promise(stage, customer)
    assert stage.types(customer)[-1] == "account.changed"
    stage.paid(customer, "100.00")
    assert stage.types(customer)[-1] == "account.changed"
    stage.bill(customer)
    stage.paid(customer, "400.00")
    assert stage.types(customer)[-1] == "account.settled", "the promise is kept"
    stage.paid(customer, "100.00")
    assert stage.types(customer)[-1] == "account.changed", "a part of what is not due yet"
