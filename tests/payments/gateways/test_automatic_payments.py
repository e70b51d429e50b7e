"""Automatic payments: what is due is taken by the stored method, once, and frozen after errors (C29)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import debiting, tasks
from payments.gateways.bkash_vault import BkashVault
from tests.payments.gateways.charging import charges, next_day, with_card, with_wallet
from tests.payments.gateways.test_stored_methods import remove
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe


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
