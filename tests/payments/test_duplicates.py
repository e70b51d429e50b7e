"""The same money is recorded once: keys, warnings, references (B12, B15)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from tests.payments.stage import Stage


def problem(answer: Any) -> tuple[int, str]:
    """Status and the first error's code."""
    assert answer.content_type == "application/problem+json", answer.data
    errors = answer.json.get("errors") or [{}]
    return answer.status_code, errors[0].get("code", "")


def test_the_same_amount_within_ten_minutes_is_a_possible_duplicate(stage: Stage) -> None:
    customer = stage.customer()
    first = stage.paid(customer, "500.00")

    again = stage.pay(customer, "500.00")
    other_amount = stage.pay(customer, "499.00")
    meant = stage.pay(customer, "500.00", override_duplicate={"reason": "pays for her mother too"})

    assert problem(again) == (409, "possible_duplicate")
    assert again.json["payment_ids"] == [first["id"]]  # type: ignore[index]
    assert other_amount.status_code == 201
    assert meant.status_code == 201
    assert stage.rows(
        "SELECT d.reason FROM operation_detail d WHERE after->>'payment_id' = :id",
        id=meant.json["id"],  # type: ignore[index]
    ) == [("pays for her mother too",)]


def test_a_reference_written_twice_by_hand_is_a_possible_duplicate(stage: Stage) -> None:
    first, second = stage.customer("Karim"), stage.customer("Rahim")
    stage.paid(first, "500.00", transaction_reference="Book 7/12")

    answer = stage.pay(second, "300.00", transaction_reference="book 7/12")

    assert problem(answer) == (409, "possible_duplicate")


def test_a_gateways_transaction_is_money_once_whatever_the_override_says(stage: Stage) -> None:
    first, second = stage.customer("Karim"), stage.customer("Rahim")
    wrong = stage.paid(first, "500.00", method="bkash", transaction_reference="9AB12CD34E")

    twice = stage.pay(
        second, "500.00", method="bkash", transaction_reference="9AB12CD34E",
        override_duplicate={"reason": "I insist"},
    )  # fmt: skip
    stage.post(f"/v1/payments/{wrong['id']}/void", {"reason": "wrong customer"})
    corrected = stage.pay(second, "500.00", method="bkash", transaction_reference="9AB12CD34E")

    assert problem(twice) == (409, "duplicate_transaction")
    assert corrected.status_code == 201, "after the void it is entered for the right customer"


def test_twenty_equal_requests_with_one_key_are_one_payment_b12(app: Flask, stage: Stage) -> None:
    customer = stage.customer()
    body = {
        "customer_id": str(customer),
        "amount": {"amount": "500.00", "currency": "BDT"},
        "method": "cash",
    }
    headers = {**stage.bearer(), "Idempotency-Key": "the-one-and-only-key"}

    def send(_: int) -> tuple[int, Any]:
        answer = app.test_client().post("/v1/payments", json=body, headers=headers)
        return answer.status_code, answer.json

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))

    assert stage.rows("SELECT count(*) FROM payment") == [(1,)]
    assert {status for status, _ in answers} <= {201, 409}
    recorded = [body for status, body in answers if status == 201]
    assert recorded
    assert all(body == recorded[0] for body in recorded)
    assert stage.balance(customer)["paid"] == "500.00"


def test_a_key_is_needed_and_belongs_to_one_body_b12(stage: Stage) -> None:
    customer = stage.customer()
    body = {
        "customer_id": str(customer),
        "amount": {"amount": "500.00", "currency": "BDT"},
        "method": "cash",
    }

    without = stage.client.post("/v1/payments", json=body, headers=stage.bearer())
    first = stage.pay(customer, "500.00", key="key-of-this-payment")
    other = stage.pay(customer, "600.00", key="key-of-this-payment")
    again = stage.pay(customer, "500.00", key="key-of-this-payment")

    assert without.status_code == 400
    assert other.status_code == 422
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json


def test_twenty_cashiers_at_once_record_one_of_twenty_equal_payments(
    app: Flask, stage: Stage
) -> None:
    customer = stage.customer()
    body = {
        "customer_id": str(customer),
        "amount": {"amount": "500.00", "currency": "BDT"},
        "method": "cash",
    }

    def send(number: int) -> int:
        headers = {**stage.bearer(), "Idempotency-Key": f"cashier-{number:04d}"}
        return app.test_client().post("/v1/payments", json=body, headers=headers).status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(send, range(20)))

    assert sorted(set(statuses)) == [201, 409]
    assert statuses.count(201) == 1, "each sees the others: the account is locked first"
