"""What holds for each gateway: who pays is credited once, whoever tells of it and however often."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.nagad import FakeNagad
from tests.support.gateways.server import FakeGateway
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe

Delivery = tuple[dict[str, str], bytes]
GATEWAYS = ["bkash", "nagad", "sslcommerz", "stripe"]


@pytest.fixture(params=GATEWAYS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(name: str, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(name)


def pay(fake: FakeGateway, url: str) -> Callable[[], Delivery]:
    """The payer pays; how the gateway tells of it."""
    if isinstance(fake, FakeBkash):
        checkout = fake.pay(url)
        fake._execute({"paymentID": checkout.payment_id})
        return lambda: fake.notification(checkout)
    if isinstance(fake, FakeNagad):
        payment = fake.pay(url)
        return lambda: fake.callback(payment)
    if isinstance(fake, FakeSslcommerz):
        attempt = dict(fake.pay(url))
        return lambda: fake.ipn(attempt)
    assert isinstance(fake, FakeStripe)
    session = fake.pay(url)
    return lambda: fake.delivery("checkout.session.completed", session)


def test_b15_who_pays_is_credited_once_by_webhook_return_page_and_poller(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, name)
    tell = pay(fake, intent["redirect_url"])
    delivery = tell()

    assert till.deliver(name, delivery).status_code == 200
    till.work()
    assert till.come_back(intent, status="failure") == "succeeded"
    assert till.deliver(name, delivery).status_code == 200
    assert till.deliver(name, tell()).status_code == 200
    till.pass_time()
    till.work()

    (payment,) = till.payments(customer)
    assert (payment.gateway, payment.amount) == (name, Decimal("500.00"))
    assert till.reviews() == []
    assert {row["state"] for row in till.deliveries()} == {"processed"}


def test_f43_a_hundred_equal_callbacks_at_once_are_one_payment(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    delivery = pay(fake, till.intent(customer, name)["redirect_url"])()

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: till.deliver(name, delivery).status_code, range(100))
        list(pool.map(lambda _: till.work(), range(4)))
        assert list(answers) == [200] * 100
    till.pass_time()
    till.work()

    (payment,) = till.payments(customer)
    assert payment.amount == Decimal("500.00")
    (kept,) = till.deliveries()
    assert (kept["repeats"], kept["state"]) == (99, "processed")
    assert stage.types(customer).count("payment.recorded") == 1


def test_the_return_page_alone_credits_and_never_believes_its_query(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    honest, liar = stage.customer("Karim"), stage.customer("Rahim")
    paid, unpaid = till.intent(honest, name), till.intent(liar, name)
    pay(fake, paid["redirect_url"])

    assert till.come_back(unpaid, status="success", paymentID="x", val_id="y") == "pending"
    assert till.come_back(paid, status="cancel") == "succeeded"

    assert till.payments(liar) == []
    assert len(till.payments(honest)) == 1


def test_e16_a_closed_tab_and_no_webhook_are_found_by_the_poller(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, name)
    pay(fake, intent["redirect_url"])

    till.pass_time()
    till.work()

    assert till.state(intent) == "succeeded"
    assert till.paid(customer) == Decimal("500.00")


def test_money_that_comes_after_the_intent_expired_is_credited_too(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, name)
    till.expire(intent)
    till.pass_time()
    till.work()
    assert till.state(intent) == "expired"
    pay(fake, intent["redirect_url"])

    till.pass_time()
    till.work()

    assert till.state(intent) == "succeeded"
    assert len(till.payments(customer)) == 1


def test_a_gateway_that_is_away_loses_nothing_and_expires_nothing(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, name)
    pay(fake, intent["redirect_url"])
    fake.broken = {""}
    till.expire(intent)
    till.pass_time()
    till.work()
    found: Any = stage.get(f"/v1/payment-intents/{intent['id']}").json
    assert (found["state"], found["failure"]) == ("pending", "not answered: HTTP 500")

    fake.broken = set()
    till.pass_time()
    till.work()

    assert till.state(intent) == "succeeded"


def test_an_opening_whose_answer_is_lost_leaves_an_intent_that_the_poller_opens(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer()
    fake.silent = {""}
    asked = till.ask(customer, name, key="the-same-key-1")
    assert asked.status_code == 201
    intent: Any = asked.json
    assert (intent["state"], intent["redirect_url"]) == ("created", None)

    fake.silent = set()
    till.pass_time()
    till.work()

    opened: Any = stage.get(f"/v1/payment-intents/{intent['id']}").json
    assert opened["state"] == "pending" and opened["redirect_url"]
    pay(fake, opened["redirect_url"])
    assert till.come_back(intent) == "succeeded"
    assert stage.rows("SELECT count(*) FROM payment_intent")[0][0] == 1


def test_nothing_about_the_person_is_told_to_the_gateway(
    till: Till, stage: Stage, fake: FakeGateway, name: str
) -> None:
    customer = stage.customer("Karim Ahmed")
    till.intent(customer, name)

    told = b" ".join(
        request.path.encode() + repr(request.query).encode() + request.body
        for request in fake.asked
    )
    assert fake.asked
    for word in (b"Karim", b"karim.ahmed", b"1711000000", str(customer).encode()):
        assert word not in told
