"""Automatic payments: what is due is taken by the stored method, once, and frozen after errors (C29)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payments import asking, debiting, settling, tasks
from payments.gateways.bkash_vault import BkashVault
from payments.gateways.stripe_vault import StripeVault
from payments.persistence import claims, debits, intents
from tests.payments.gateways.test_racing import Killed
from tests.payments.gateways.test_stored_methods import remove
from tests.payments.gateways.till import Json, Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe


def with_card(till: Till, stripe: FakeStripe, **more: Any) -> tuple[UUID, Json]:
    customer = till.stage.customer(**{"auto_payment": True, **more})
    method = till.store(customer)
    stripe.vault.store(stripe, method["redirect_url"])
    assert till.stored(method) == "active"
    return customer, method


def with_wallet(till: Till, bkash: FakeBkash) -> UUID:
    customer = till.stage.customer(auto_payment=True)
    method = till.store(customer, "bkash")
    bkash.pay(method["redirect_url"])
    assert till.stored(method) == "active"
    return customer


def next_day(stage: Stage) -> None:
    stage.rows(
        "UPDATE payment_method SET next_charge_at = now() WHERE next_charge_at IS NOT NULL RETURNING 1"
    )


def charges(stripe: FakeStripe) -> list[Any]:
    return [one for one in stripe.intents.values() if "customer" in one]


def test_c29_what_is_due_is_taken_by_the_stored_card(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, method = with_card(till, stripe)
    bill = stage.bill(customer, "750.00")

    till.debit()

    (payment,) = till.payments(customer)
    assert (payment.amount, payment.method, payment.gateway) == (Decimal(750), "stripe", "stripe")
    assert stage.get(f"/v1/bills/{bill['id']}").json["status"] == "paid"  # type: ignore[index]
    (charge,) = charges(stripe)
    assert payment.transaction_reference == charge["id"]
    (attempt,) = till.attempts(customer)
    shown: Any = stage.get(f"/v1/payment-intents/{attempt.id}").json
    assert (shown["state"], shown["method_id"]) == ("succeeded", method["id"])
    till.debit()
    assert len(charges(stripe)) == 1


def test_c29_what_is_due_is_taken_by_the_agreement_of_a_wallet(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = with_wallet(till, bkash)
    stage.bill(customer, "750.00")

    till.debit()

    (payment,) = till.payments(customer)
    assert (payment.amount, payment.method) == (Decimal(750), "bkash")


def test_a_wallet_that_asks_for_its_pin_waits_for_it_on_the_page_of_the_intent(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = with_wallet(till, bkash)
    stage.bill(customer)
    bkash.asks_pin = True
    till.debit()
    (attempt,) = till.attempts(customer)
    assert (attempt.state, till.payments(customer)) == ("pending", [])

    bkash.pay(attempt.redirect_url)
    till.pass_time()

    assert till.come_back({"id": str(attempt.id)}) == "succeeded"
    assert len(till.payments(customer)) == 1


@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_taken_before_its_day(
    till: Till, stage: Stage, stripe: FakeStripe, late: bool
) -> None:
    customer, _ = with_card(till, stripe)
    till.debit()
    due = datetime.now(UTC) + timedelta(days=9)
    stage.bill(customer, due_at=due.isoformat())
    till.debit()
    assert (charges(stripe), till.attempts(customer)) == ([], [])
    if late:
        stage.rows("UPDATE bill SET due_at = now() RETURNING 1")
        next_day(stage)
        till.debit()
    assert len(till.payments(customer)) == late


def test_only_who_agreed_to_automatic_payments_is_charged(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe, auto_payment=False)
    stage.bill(customer)
    till.debit()
    assert charges(stripe) == []

    stage.update(customer, auto_payment=True)
    till.debit()
    assert len(till.payments(customer)) == 1


def test_a_promise_to_pay_is_waited_for(till: Till, stage: Stage, stripe: FakeStripe) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    until = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    promised = stage.post(f"/v1/customers/{customer}/promises", {"until": until})
    assert promised.status_code == 201, promised.json
    till.debit()
    assert charges(stripe) == []
    (waits,) = stage.rows("SELECT next_charge_at FROM payment_method")
    (account,) = stage.rows("SELECT promised_until FROM account")
    assert waits.next_charge_at == account.promised_until


@pytest.mark.parametrize(("rules", "limit"), [({}, 3), ({"retry_limit": 2}, 2)])
def test_c29_as_many_refusals_as_the_class_says_freeze_and_the_renewed_method_thaws(
    till: Till, stage: Stage, stripe: FakeStripe, rules: dict[str, int], limit: int
) -> None:
    customer, _ = with_card(till, stripe, **rules)
    stripe.vault.refusal = "card_declined"
    stage.bill(customer)
    for _ in range(5):
        till.debit()
        # Not again on the same day.
        till.debit()
        next_day(stage)

    assert len(charges(stripe)) == limit
    assert {row.failure for row in till.attempts(customer)} == {
        "card_declined: Your card was declined."
    }
    frozen = [row.data["payment_frozen"] for row in stage.events(customer)
              if row.type == "account.changed"]  # fmt: skip
    assert frozen[-limit:] == [False] * (limit - 1) + [True]

    stripe.vault.refusal = None
    renewed = till.store(customer)
    stripe.vault.store(stripe, renewed["redirect_url"])
    till.stored(renewed)
    assert stage.events(customer)[-1].data["payment_frozen"] is False
    till.debit()
    assert len(till.payments(customer)) == 1


def test_c29_a_limit_that_grows_lets_what_is_due_be_taken_again(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe, retry_limit=1)
    stripe.vault.refusal = "card_declined"
    stage.bill(customer)
    till.debit()
    next_day(stage)
    till.debit()
    assert len(charges(stripe)) == 1

    stripe.vault.refusal = None
    stage.update(customer, retry_limit=2)
    till.debit()
    assert len(till.payments(customer)) == 1


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


STEPS: dict[str, tuple[Any, str]] = {
    "begun, not off the calendar": (debits, "set_next"),
    "leased, not charged": (asking, "_open"),
    "charged, answer not noted": (asking, "note_opening"),
    "noted, not found": (asking, "conclude"),
    "before the claim": (claims, "claim"),
    "claimed, not credited": (settling, "_credit"),
    "credited, intent not concluded": (intents, "conclude"),
}


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


def test_what_was_paid_in_cash_meanwhile_is_not_taken_again(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    tasks.debit(till.database, till.settings)
    stage.pay(customer)
    till.work()

    (attempt,) = till.attempts(customer)
    assert (attempt.state, attempt.failure) == ("expired", "it was paid in another way meanwhile")
    assert charges(stripe) == []
    assert stage.rows("SELECT auto_payment_failures FROM account")[0][0] == 0


def test_a_removed_method_pays_nothing_more(till: Till, stage: Stage, stripe: FakeStripe) -> None:
    customer, method = with_card(till, stripe)
    stage.bill(customer)
    tasks.debit(till.database, till.settings)
    assert remove(stage, method).status_code == 200
    till.work()
    till.pass_time()
    till.work()

    assert [row.failure for row in till.attempts(customer)] == ["the stored method was removed"]
    assert (charges(stripe), stripe.vault.cards) == ([], {})
    assert till.method(method)["state"] == "removed"


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


def _die(*_: object) -> None:
    raise Killed("here")


def test_an_automatic_payment_is_refunded_by_its_gateway(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, _ = with_card(till, stripe)
    stage.bill(customer)
    till.debit()
    (payment,) = till.payments(customer)
    stage.post(f"/v1/payments/{payment.id}/refund", {"reason": "moved away"})
    till.work()
    assert [row["state"] for row in till.refunds()] == ["refunded"]
    assert [one["amount"] for one in stripe.refunds.values()] == [50_000]


def test_begun_attempts_are_logged_and_bkash_needs_no_second_look(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = with_wallet(till, bkash)
    stage.bill(customer)
    with till.database.transaction() as session:
        assert debiting.begin(session, till.settings) == 1
    with till.database.transaction() as session:
        assert debiting.begin(session, till.settings) == 0
    (logged,) = stage.rows(
        "SELECT d.after FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
        " WHERE o.action = 'auto_payment.begun'"
    )
    assert logged.after["amount"] == "500.0000"
    assert BkashVault.charged(None, None, None) is None  # type: ignore[arg-type]
