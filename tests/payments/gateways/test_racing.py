"""Everybody at once, and death at every step: one credit, never none (F43, B15, promise 2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from payments import asking, settling
from payments.persistence import claims, deliveries
from payments.webhooks import receiving, working
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe


class Killed(BaseException):
    """The process is gone: nothing catches it, and its transaction never commits."""


def test_f43_webhooks_poller_and_return_page_at_once_credit_once(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "stripe")
    session = stripe.pay(intent["redirect_url"])
    calls: list[Callable[[], object]] = []
    for _ in range(6):
        # Different events about one payment, as Stripe sends them, and each of them twice.
        for kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
            delivery = stripe.delivery(kind, session)
            calls += [lambda d=delivery: till.deliver("stripe", d)] * 2  # type: ignore[misc]
        calls += [lambda: till.come_back(intent), till.pass_time, till.work, till.work]
    barrier = threading.Barrier(8)

    def at_once(work: Callable[[], object]) -> None:
        barrier.wait(60)
        work()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(at_once, call) for call in calls]:
            done.result()
    till.pass_time()
    till.work()

    (payment,) = till.payments(customer)
    assert payment.amount == Decimal("500.00")
    assert till.reviews() == []
    assert stage.rows("SELECT count(*) FROM gateway_transaction")[0][0] == 1
    assert {row["state"] for row in till.deliveries(limit=100)} == {"processed"}


STEPS: dict[str, tuple[Any, str]] = {
    "before it is stored": (deliveries, "store"),
    "stored, not verified": (receiving, "_verify"),
    "verified, verdict not written": (deliveries, "accept"),
    "before the gateway is asked": (working, "_payment"),
    "before the claim": (claims, "claim"),
    "claimed, not credited": (settling, "_credit"),
    "credited, intent not concluded": (settling, "_succeeded"),
    "all but the delivery's own end": (deliveries, "done"),
}


@pytest.mark.parametrize("step", STEPS)
def test_f2_a_process_that_dies_at_any_step_loses_nothing_and_credits_once(
    till: Till, stage: Stage, bkash: FakeBkash, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    checkout = bkash.pay(intent["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    delivery = bkash.notification(checkout)
    module, name = STEPS[step]

    def die(*_: object, **__: object) -> None:
        raise Killed(step)

    with monkeypatch.context() as dying:
        dying.setattr(module, name, die)
        died = _dies(lambda: till.deliver("bkash", delivery)) or _dies(
            lambda: working.process(till.database, _bkash(till), _leased(till), till.settings)
        )
    assert died, "the step was never reached"
    assert till.payments(customer) == []

    # The gateway sends again what was not answered, and a new worker takes the old one's leases.
    if not till.deliveries():
        assert till.deliver("bkash", delivery).status_code == 200
    till.pass_time()
    till.work()
    till.pass_time()
    till.work()

    (payment,) = till.payments(customer)
    assert payment.amount == Decimal("500.00")
    assert till.state(intent) == "succeeded"
    assert {row["state"] for row in till.deliveries()} == {"processed"}


def _dies(work: Callable[[], object]) -> bool:
    try:
        work()
    except Killed:
        return True
    return False


def _bkash(till: Till) -> Any:
    from payments.gateways.registry import Gateways

    return Gateways(till.settings.gateways, till.database, till.settings.secret_key)["bkash"]


def _leased(till: Till) -> Any:
    with till.database.transaction() as session:
        (row,) = deliveries.lease_due(session, "bkash", 1)
    return row


def test_a_poller_that_dies_after_execute_finds_the_money_later(
    till: Till, stage: Stage, bkash: FakeBkash, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    bkash.pay(intent["redirect_url"])

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(asking, "conclude", die)
        assert _dies(lambda: till.come_back(intent))
    assert bkash.calls("execute") == 1
    assert till.payments(customer) == []

    till.pass_time()
    till.work()

    assert len(till.payments(customer)) == 1
    assert bkash.calls("execute") == 1


def test_b12_the_same_request_at_once_is_one_intent_and_one_answer(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: till.ask(customer, "bkash", key="one-request-1"), range(8))
        )

    bodies: list[Any] = [answer.json for answer in answers]
    assert {answer.status_code for answer in answers} == {201}, bodies
    assert len({body["id"] for body in bodies}) == 1
    assert len({body["redirect_url"] for body in bodies}) == 1, "two pages for one payment"
    other: Any = till.ask(customer, "bkash", "600.00", key="one-request-1")
    assert (other.status_code, other.json["errors"][0]["parameter"]) == (422, "Idempotency-Key")
