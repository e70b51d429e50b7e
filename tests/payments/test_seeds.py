"""What seed E says of the two lists, one test each: what is owed, and what was received."""

from __future__ import annotations

from typing import Any

from tests.payments.stage import Stage


def _payments(stage: Stage) -> list[Any]:
    answer = stage.get("/v1/payments")
    assert answer.status_code == 200, answer.json
    found: Any = answer.json
    return list(found["items"])


def test_every_payment_is_in_the_log_however_it_came_e1(stage: Stage) -> None:
    customer = stage.customer()
    methods = ["cash", "bank_transfer", "bkash", "other"]
    for method in methods:
        stage.paid(customer, method=method)
    assert sorted(row["method"] for row in _payments(stage)) == sorted(methods)


def test_what_was_received_stays_in_the_record_when_it_is_void_e2(stage: Stage) -> None:
    customer = stage.customer()
    payment = stage.paid(customer)
    voided = stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "typed twice"})
    assert voided.status_code == 200, voided.json
    (row,) = _payments(stage)
    assert (row["id"], row["amount"]["amount"], row["status"]) == (
        payment["id"],
        "500.00",
        "voided",
    )


def test_a_row_is_one_payment_even_when_it_pays_several_bills_e4(stage: Stage) -> None:
    customer = stage.customer(balance_control="postpaid")
    bills = [stage.bill(customer, amount) for amount in ("200.00", "300.00")]
    payment = stage.paid(customer, "500.00")
    (row,) = _payments(stage)
    assert row["id"] == payment["id"]
    assert {one["bill_id"] for one in payment["allocations"]} == {bill["id"] for bill in bills}


def test_bills_are_what_is_owed_and_payments_what_was_received_e25_e26(stage: Stage) -> None:
    """E25: a bill is no payment; E26: a payment is no bill; the balance is between them."""
    customer = stage.customer(balance_control="postpaid")
    bill = stage.bill(customer, "500.00")
    assert _payments(stage) == []
    stage.paid(customer, "120.00")
    (row,) = _payments(stage)
    listed: Any = stage.get("/v1/bills").json
    assert [one["id"] for one in listed["items"]] == [bill["id"]]
    assert row["amount"]["amount"] == "120.00"
    balance = stage.balance(customer)
    assert (balance["billed"], balance["paid"], balance["outstanding"]) == (
        "500.00", "120.00", "380.00",
    )  # fmt: skip
