"""An automatic payment is made once, whatever dies, is away or happens at once (C29, F2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from payments import asking, settling, tasks
from payments.gateways.stripe_vault import StripeVault
from payments.persistence import claims, debits, intents
from tests.payments.gateways.charging import charges, next_day, with_card, with_wallet
from tests.payments.gateways.test_racing import Killed
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe

STEPS: dict[str, tuple[Any, str]] = {
    "begun, not off the calendar": (debits, "set_next"),
    "leased, not charged": (asking, "_open"),
    "charged, answer not noted": (asking, "note_opening"),
    "noted, not found": (asking, "conclude"),
    "before the claim": (claims, "claim"),
    "claimed, not credited": (settling, "_credit"),
    "credited, intent not concluded": (intents, "conclude"),
}


def test_a_gateway_that_was_away_all_day_is_no_error_of_the_customers(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    stripe.broken = {"payment_intents"}
    till.debit()
    (attempt,) = till.attempts(customer)
    till.expire({"id": str(attempt.id)})
    stripe.broken = set()
    till.pass_time()
    till.work()

    assert [row.state for row in till.attempts(customer)] == ["expired"]
    assert stage.rows("SELECT auto_payment_failures FROM account")[0][0] == 0
    next_day(stage)
    till.debit()
    assert len(till.payments(customer)) == 1


@pytest.mark.parametrize("gateway", ["stripe", "bkash"])
@pytest.mark.parametrize("step", STEPS)
def test_f2_one_attempt_for_a_day_though_the_worker_dies_at_any_step(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash,
    monkeypatch: pytest.MonkeyPatch, step: str, gateway: str,
) -> None:  # fmt: skip
    customer = with_card(till, stripe)[0] if gateway == "stripe" else with_wallet(till, bkash)
    stage.bill(customer)
    module, name = STEPS[step]
    died = []

    def die(*_: object, **__: object) -> None:
        died.append(step)
        raise Killed(step)

    with monkeypatch.context() as dying:
        dying.setattr(module, name, die)
        with suppress(Killed):
            till.debit()
    assert died, "the step was never reached"
    assert till.payments(customer) == []

    for _ in range(3):
        till.pass_time()
        till.debit()

    assert [row.state for row in till.attempts(customer)] == ["succeeded"]
    (payment,) = till.payments(customer)
    taken = [c for c in bkash.checkouts.values() if c.transaction is not None]
    assert len(charges(stripe)) + len(taken) == 1
    assert payment.amount == Decimal(500)


def test_a_charge_whose_answer_was_lost_for_more_than_its_time_is_found_not_repeated(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    till_charge = StripeVault.charge

    def lost(*given: Any) -> None:
        till_charge(*given)
        raise Killed("after the money was taken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StripeVault, "charge", lost)
        till.debit()
    # Stripe forgets keys after a day.
    stripe.keyed.clear()
    (attempt,) = till.attempts(customer)
    till.expire({"id": str(attempt.id)})
    till.pass_time()
    till.work()
    till.pass_time()
    till.work()

    assert (len(charges(stripe)), len(till.payments(customer))) == (1, 1)


def test_ten_workers_at_once_begin_one_attempt(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    with ThreadPoolExecutor(10) as pool:
        begun = [pool.submit(tasks.debit, till.database, till.settings) for _ in range(10)]
        assert [one.result() for one in begun] == [None] * 10
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(till.work) for _ in range(4)]
        assert sum(one.result() for one in done) >= 2
    assert (len(till.attempts(customer)), len(charges(stripe))) == (1, 1)
    assert len(till.payments(customer)) == 1


def _die(*_: object) -> None:
    raise Killed("here")


def test_stripes_own_word_credits_a_charge_by_a_stored_card(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "note_opening", _die)
        till.debit()
    (charge,) = charges(stripe)
    till.deliver("stripe", stripe.delivery("payment_intent.succeeded", charge))
    till.work()
    assert len(till.payments(customer)) == 1
    till.pass_time()
    till.work()
    assert (len(charges(stripe)), len(till.payments(customer))) == (1, 1)
