"""Void is not refund, and neither takes a row from the ledger (peers 2.4)."""

from __future__ import annotations

from typing import Any

from tests.payments.stage import NORTH, Stage


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def test_a_void_payment_opens_its_bills_again(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "500.00")
    payment = stage.paid(customer, "500.00")
    seen = stage.events(customer)[-1].sequence

    answer: Any = stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "wrong customer"})

    assert (answer.status_code, answer.json["status"]) == (200, "voided")
    assert answer.json["allocations"] == []
    assert stage.get(f"/v1/bills/{bill['id']}").json["status"] == "open"  # type: ignore[index]
    assert stage.balance(customer)["outstanding"] == "500.00"
    assert stage.types(customer, seen) == ["payment.voided", "account.changed"]
    again = stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "wrong customer"})
    assert code(again) == (409, "already_voided")


def test_a_refund_takes_unused_money_first_and_never_more_than_was_paid_b15(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer, "300.00")
    payment = stage.paid(customer, "500.00")
    url = f"/v1/payments/{payment['id']}/refund"

    def refund(amount: str | None) -> Any:
        money = {} if amount is None else {"amount": {"amount": amount, "currency": "BDT"}}
        return stage.post(url, {"reason": "moved away", **money})

    seen = stage.events(customer)[-1].sequence
    part = refund("150.00")
    assert part.json["status"] == "partly_refunded"
    assert part.json["refunded"]["amount"] == "150.00"
    assert stage.balance(customer)["available_funds"] == "50.00"
    assert stage.types(customer, seen) == ["payment.refunded", "account.changed"]
    assert stage.events(customer, seen)[0].data["amount"] == "150.00"

    assert code(refund("350.01")) == (422, "more_than_paid")
    assert "at most 350.00 of this payment" in refund("350.01").json["detail"]
    assert refund(None).json["status"] == "refunded"
    assert stage.balance(customer)["outstanding"] == "300.00"
    assert stage.balance(customer)["paid"] == "0.00"
    assert code(refund("0.01")) == (409, "refunded")
    assert code(stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "slip"})) == (
        409, "refunded",
    )  # fmt: skip


def test_what_is_left_of_a_refunded_payment_stays_on_its_bill(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "500.00")
    payment = stage.paid(customer, "300.00")

    money = {"amount": "100.00", "currency": "BDT"}
    stage.post(f"/v1/payments/{payment['id']}/refund", {"reason": "outage", "amount": money})

    left: Any = stage.get(f"/v1/bills/{bill['id']}").json
    assert (left["status"], left["paid"]["amount"]) == ("partly_paid", "200.00")
    assert stage.balance(customer)["outstanding"] == "300.00"


def test_a_payment_that_fills_the_gap_of_a_void_one_tells_of_no_bill_paid_twice(
    stage: Stage,
) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    first = stage.paid(customer, "500.00")
    stage.paid(customer, "500.00")
    seen = stage.events(customer)[-1].sequence

    stage.post(f"/v1/payments/{first['id']}/void", {"reason": "entered twice"})

    assert stage.types(customer, seen) == ["payment.voided", "account.changed"]
    assert stage.balance(customer)["outstanding"] == "0.00"


def test_reversing_needs_a_permission_of_its_own_and_a_reason(stage: Stage) -> None:
    payment = stage.paid(stage.customer())
    for what in ("void", "refund"):
        url = f"/v1/payments/{payment['id']}/{what}"
        assert stage.post(url, {"reason": "a slip"}, NORTH, "reseller").status_code == 403
        assert stage.post(url, {}).status_code == 422
        assert (
            stage.client.post(url, json={"reason": "a slip"}, headers=stage.bearer()).status_code
            == 400
        )
    assert (
        stage.post(
            f"/v1/payments/{payment['id']}/refund", {"reason": "a slip"}, NORTH, "manager"
        ).status_code
        == 200
    )


def test_a_statement_shows_each_change_with_the_balance_after_it(stage: Stage) -> None:
    customer = stage.customer()
    bill = stage.bill(customer, "500.00")
    payment = stage.paid(customer, "700.00")
    stage.post(f"/v1/payments/{payment['id']}/void", {"reason": "a slip"})

    answer: Any = stage.get(f"/v1/customers/{customer}/statement", sort="at").json
    lines = [
        (line["kind"], line["amount"]["amount"], line["balance"]["amount"], line["number"])
        for line in answer["items"]
    ]

    assert lines == [
        ("bill", "500.00", "500.00", bill["number"]),
        ("payment", "-700.00", "-200.00", payment["receipt_number"]),
        ("payment_void", "700.00", "500.00", payment["receipt_number"]),
    ]
    first: Any = stage.get(f"/v1/customers/{customer}/statement", sort="at", limit=2).json
    rest: Any = stage.get(
        f"/v1/customers/{customer}/statement", sort="at", limit=2, cursor=first["next_cursor"]
    ).json
    assert first["items"] + rest["items"] == answer["items"]
