"""Money received is recorded once and changes the balance (E1, E28-E33)."""

from __future__ import annotations

from tests.payments.stage import Stage


def test_a_manual_payment_is_in_the_log_at_once_with_the_columns_of_e5_to_e12(stage: Stage) -> None:
    stage.operator("1/", "admin")
    customer = stage.customer("Karim Ahmed")

    answer = stage.pay(
        customer, "500.00", note="paid at the shop", transaction_reference="book 7/12"
    )

    assert answer.status_code == 201, answer.json
    (row,) = stage.get("/v1/payments").json["items"]  # type: ignore[index]
    assert row["customer_name"] == "Karim Ahmed"  # E5
    assert row["username"] == "karim.ahmed"  # E6
    assert row["amount"] == {"amount": "500.00", "currency": "BDT"}  # E7
    assert row["method"] == "cash"  # E8
    assert row["recorded_at"]  # E9
    assert row["operator_name"] == "Admin"  # E10
    assert row["transaction_reference"] == "book 7/12"  # E11
    assert row["note"] == "paid at the shop"  # E12
