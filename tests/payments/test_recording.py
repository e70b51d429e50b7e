"""Many payments in one call: checked one by one, recorded together (E28-E33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from tests.payments.stage import NORTH, SOUTH, Stage


def wish(customer: UUID, amount: str = "500.00", **more: Any) -> dict[str, Any]:
    return {
        "customer_id": str(customer),
        "amount": {"amount": amount, "currency": more.pop("currency", "BDT")},
        "method": more.pop("method", "cash"),
        **more,
    }


def sent(stage: Stage, *wishes: Mapping[str, Any], **call: Any) -> Any:
    answer = stage.post("/v1/payments/record", {"payments": wishes}, **call)
    assert answer.status_code == 200, answer.json
    return answer.json


def codes(body: Any) -> list[str | None]:
    return [item["error"]["code"] if "error" in item else None for item in body["items"]]


def test_many_payments_are_recorded_as_one_by_one_e30_e32(stage: Stage) -> None:
    karim, rahim = stage.customer("Karim"), stage.customer("Rahim")
    bill = stage.bill(karim, "700.00")

    body = sent(stage, wish(karim), wish(rahim, "90.00", method="other"), wish(karim, "300.00"))

    assert (body["recorded"], body["failed"]) == (3, 0)
    assert [item["index"] for item in body["items"]] == [0, 1, 2]
    made = [item["payment"] for item in body["items"]]
    assert [one["allocations"][0]["amount"]["amount"] for one in made if one["allocations"]] == [
        "500.00",
        "200.00",
    ]
    numbers = [int(one["receipt_number"].rpartition("-")[2]) for one in made]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    for one in made:
        assert stage.get(f"/v1/payments/{one['id']}").json == one
    assert stage.get(f"/v1/bills/{bill['id']}").json["status"] == "paid"  # type: ignore[index]
    assert stage.balance(karim)["available_funds"] == "100.00"
    assert stage.balance(rahim)["available_funds"] == "90.00"
    assert stage.types(karim)[-4:] == [
        "payment.recorded", "payment.recorded", "bill.paid", "account.changed",
    ]  # fmt: skip
    logged = stage.rows(
        "SELECT subject FROM operation WHERE action = 'payment.recorded' ORDER BY subject"
    )
    assert [row.subject for row in logged] == sorted([karim, karim, rahim])


def test_a_payment_that_is_refused_keeps_no_other_back(stage: Stage) -> None:
    karim, gone = stage.customer("Karim"), stage.customer("Gone")
    stage.erase(gone)
    stage.paid(karim, "10.00", method="bank_transfer", transaction_reference="Slip-1")

    body = sent(
        stage,
        wish(uuid4()),
        wish(gone),
        wish(karim, currency="USD"),
        wish(karim, "10.00"),
        wish(karim, "20.00", method="bank_transfer", transaction_reference="SLIP-1"),
        wish(karim, "30.00"),
        wish(karim, "10.00", override_duplicate={"reason": "her sister pays"}),
    )

    assert codes(body) == [
        "not_found", "erased", "currency", "possible_duplicate", "possible_duplicate", None, None,
    ]  # fmt: skip
    assert body["items"][3]["error"]["payment_ids"] == body["items"][4]["error"]["payment_ids"]
    assert (body["recorded"], body["failed"]) == (2, 5)
    assert stage.balance(karim)["paid"] == "50.00"
    reasons = stage.rows("SELECT reason FROM operation_detail WHERE reason LIKE 'her%'")
    assert [row.reason for row in reasons] == ["her sister pays"]


def test_the_same_money_twice_in_one_call_is_recorded_once(stage: Stage) -> None:
    karim, rahim = stage.customer("Karim"), stage.customer("Rahim")

    body = sent(
        stage,
        wish(karim),
        wish(karim),
        wish(karim, "1.00", method="other", transaction_reference="slip 7"),
        wish(rahim, "2.00", method="other", transaction_reference="SLIP 7"),
        wish(karim, "3.00", method="bkash", transaction_reference="9AB12"),
        wish(rahim, "4.00", method="bkash", transaction_reference="9AB12",
             override_duplicate={"reason": "no reason is good enough"}),
        wish(rahim, "5.00", method="bkash", transaction_reference="9ab12"),
    )  # fmt: skip

    assert codes(body) == [
        None, "possible_duplicate", None, "possible_duplicate", None, "duplicate_transaction", None,
    ]  # fmt: skip


def test_a_gateways_transaction_in_the_books_is_refused_and_the_others_are_not(
    stage: Stage,
) -> None:
    karim, gone = stage.customer("Karim"), stage.customer("Gone")
    stage.paid(karim, "3.00", method="bkash", transaction_reference="9AB12")
    stage.paid(gone, "3.00", method="nagad", transaction_reference="71ZZ")
    stage.erase(gone)

    body = sent(
        stage,
        wish(karim, "7.00", method="bkash", transaction_reference="9AB12"),
        wish(karim, "8.00", method="nagad", transaction_reference="71ZZ"),
        wish(karim, "9.00", method="bkash", transaction_reference="9AB13"),
    )

    assert codes(body) == ["duplicate_transaction", "duplicate_transaction", None]


def test_the_same_key_gets_the_same_answer_and_no_second_payment(stage: Stage) -> None:
    karim = stage.customer()
    first = sent(stage, wish(karim), wish(uuid4()), key="many-payments-1")

    assert sent(stage, wish(karim, "500.00"), wish(uuid4()), key="another-key-2")["recorded"] == 0
    again = stage.post("/v1/payments/record", {"payments": [wish(karim)]}, key="many-payments-1")
    assert again.status_code == 422, "another body under the same key"
    assert stage.balance(karim)["paid"] == "500.00"
    assert first["recorded"] == 1


def test_a_reseller_records_for_the_own_customers_and_hears_of_no_others(stage: Stage) -> None:
    mine, other = stage.customer("Mine", path=NORTH), stage.customer("Other", path=SOUTH)
    stage.paid(other, "1.00", method="other", transaction_reference="slip 1")

    body = sent(
        stage,
        wish(other),
        wish(mine, "2.00", method="other", transaction_reference="slip 1"),
        path=NORTH, role="reseller",
    )  # fmt: skip

    assert codes(body) == ["not_found", None]


def test_the_cash_drawer_is_filled_up_to_its_limit(stage: Stage) -> None:
    karim = stage.customer("Karim", path=NORTH)
    north = stage.operator(NORTH, "north")
    limit = {"currency": "BDT", "limit": {"amount": "100.00", "currency": "BDT"}}
    url = f"/v1/cash-drawers/{north}/limit"
    assert stage.post(url, limit).status_code == 200

    body = sent(
        stage, wish(karim, "60.00"), wish(karim, "70.00"), wish(karim, "40.00"),
        wish(karim, "80.00", method="other"), path=NORTH, role="reseller",
    )  # fmt: skip

    assert codes(body) == [None, "drawer_full", None, None]


def test_a_body_that_is_not_understood_names_the_payment(stage: Stage) -> None:
    karim = stage.customer()

    answer: Any = stage.post(
        "/v1/payments/record", {"payments": [wish(karim), wish(karim, "-1.00")]}
    )

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith("/payments/1/amount")
    assert stage.balance(karim)["paid"] == "0.00"
