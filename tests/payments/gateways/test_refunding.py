"""Money back through its gateway: once, however often it is asked, and the books say what is true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from payments import proving
from tests.payments.gateways.till import Till
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.nagad import FakeNagad
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe


def paid(till: Till, fake: Any, gateway: str) -> tuple[UUID, Any]:
    """A customer who paid 500 by this gateway, and the payment."""
    customer = till.stage.customer()
    intent = till.intent(customer, gateway)
    fake.pay(intent["redirect_url"])
    assert till.come_back(intent) == "succeeded"
    (payment,) = till.payments(customer)
    return customer, payment


def refund(till: Till, payment: Any, amount: str | None = None, **more: Any) -> TestResponse:
    body = {"reason": "moved away", **more}
    if amount is not None:
        body["amount"] = {"amount": amount, "currency": "BDT"}
    return till.stage.post(f"/v1/payments/{payment.id}/refund", body)


def test_a_refund_goes_back_by_the_gateway_and_is_seen_until_it_is_there(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    stripe.refund_status = "pending"

    assert refund(till, payment, "200.00").status_code == 200
    (seen,) = till.refunds(path=NORTH, role="reseller")
    assert (seen["state"], seen["amount"]["amount"]) == ("refund_pending", "200.00")
    assert till.refunds(path=SOUTH) == []
    till.work()
    (seen,) = till.refunds()
    assert seen["state"] == "refund_pending" and seen["gateway_reference"].startswith("re_")
    stripe.refunds[seen["gateway_reference"]]["status"] = "succeeded"
    till.pass_time()
    till.work()

    (seen,) = till.refunds()
    assert seen["state"] == "refunded"
    assert till.paid(customer) == Decimal("300.00")
    assert stage.types(customer).count("payment.refunded") == 1


@pytest.mark.parametrize("gateway", ["bkash", "sslcommerz", "stripe"])
def test_a_refund_whose_answer_is_lost_happens_once(
    till: Till, gateway: str, request: pytest.FixtureRequest
) -> None:
    fake = request.getfixturevalue(gateway)
    customer, payment = paid(till, fake, gateway)
    assert refund(till, payment).status_code == 200
    fake.silent = {"payment/refund", "refunds", "merchantTransIDvalidationAPI.php"}
    till.work()
    (seen,) = till.refunds()
    assert (seen["state"], seen["gateway_reference"]) == ("refund_pending", None)
    assert seen["error"].startswith("not answered")

    fake.silent = set()
    till.pass_time()
    till.work()

    (seen,) = till.refunds()
    assert seen["state"] == "refunded", seen
    if isinstance(fake, FakeBkash):
        assert [c.refund["amount"] for c in fake.checkouts.values() if c.refund] == ["500.00"]
    else:
        assert len(fake.refunds) == 1
    assert till.paid(customer) == Decimal("0.00")


@pytest.mark.parametrize("gateway", ["bkash", "sslcommerz", "stripe"])
def test_a_refund_that_the_gateway_refuses_is_taken_back_in_the_books(
    till: Till, stage: Stage, gateway: str, request: pytest.FixtureRequest
) -> None:
    fake = request.getfixturevalue(gateway)
    customer, payment = paid(till, fake, gateway)
    stage.bill(customer, "500.00")
    assert refund(till, payment).status_code == 200
    assert stage.balance(customer)["outstanding"] == "500.00"
    if isinstance(fake, FakeBkash):
        fake.checkouts.clear()
    elif isinstance(fake, FakeSslcommerz):
        fake.attempts.clear()
    else:
        fake.refund_status = "failed"

    till.work()

    (seen,) = till.refunds()
    assert seen["state"] == "failed" and seen["error"]
    assert stage.balance(customer)["outstanding"] == "0.00"
    found: Any = stage.get(f"/v1/payments/{payment.id}").json
    assert (found["status"], found["refunded"]["amount"]) == ("recorded", "0.00")
    assert found["allocations"][0]["amount"]["amount"] == "500.00"
    assert "payment.refund_failed" in stage.types(customer)
    assert proving.prove(till.database)["differences"] == 0


def test_who_gives_the_money_back_by_hand_says_so(
    till: Till, stage: Stage, nagad: FakeNagad, stripe: FakeStripe
) -> None:
    _, by_card = paid(till, stripe, "stripe")
    assert refund(till, by_card, through_gateway=False).status_code == 200
    _, by_nagad = paid(till, nagad, "nagad")
    refused: Any = refund(till, by_nagad)
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (409, "no_refunds")
    assert refund(till, by_nagad, through_gateway=False).status_code == 200
    cash = stage.paid(stage.customer("Rahim"), "50.00")
    assert stage.post(f"/v1/payments/{cash['id']}/refund", {"reason": "a slip"}).status_code == 200

    till.work()

    assert till.refunds() == []
    assert stripe.refunds == {}


def test_more_than_is_left_is_refused_before_the_gateway_hears_of_it(
    till: Till, stripe: FakeStripe
) -> None:
    _, payment = paid(till, stripe, "stripe")
    assert refund(till, payment, "300.00").status_code == 200

    assert refund(till, payment, "300.00").status_code == 422

    till.work()
    assert [one["amount"] for one in stripe.refunds.values()] == [30000]
