"""bKash tokenised checkout and its SNS webhook, against a server that behaves like it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash


def test_a_payer_who_comes_back_is_credited_and_the_bill_is_paid(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    intent = till.intent(customer, "bkash")
    bkash.pay(intent["redirect_url"])

    assert till.come_back(intent, paymentID="whatever", status="cancel") == "succeeded"

    payment: Any = stage.get("/v1/payments", customer_id=str(customer)).json
    (row,) = payment["items"]
    assert (row["method"], row["gateway"], row["operator_name"]) == ("bkash", "bkash", "bKash")
    assert row["transaction_reference"].startswith("BKX")
    assert row["allocations"][0]["amount"]["amount"] == "500.00"
    assert "account.changed" in stage.types(customer) and "bill.paid" in stage.types(customer)
    assert till.paid(customer) == Decimal("500.00")


def test_a_webhook_alone_credits_once_however_often_it_comes(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    checkout = bkash.pay(intent["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    delivery = bkash.notification(checkout)

    for _ in range(3):
        assert till.deliver("bkash", delivery).status_code == 200
        till.work()

    assert till.state(intent) == "succeeded"
    assert till.paid(customer) == Decimal("500.00")
    (kept,) = till.deliveries()
    assert (kept["state"], kept["outcome"], kept["repeats"]) == ("processed", "credited", 2)
