"""`/v1/payment-intents` as callers see it, and what a site without a gateway answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from environs import Env
from joserfc.jwk import KeySet

from payments.gateways import configuration
from payments.gateways.configuration import GatewaySettings
from payments.gateways.stripe_objects import major, minor
from payments.settings import PaymentsSettings
from payments.web import build
from shared.database import Database
from shared.settings import BadSetting
from tests.payments.gateways.till import Till
from tests.payments.stage import KEY, NORTH, SOUTH, Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.nagad import SHOP, FakeNagad
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe
from tests.support.waiting import until


def test_b3_b10_bad_requests_are_refused_by_field_and_leave_nothing(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    euros = stage.customer("Anna", currency="JPY")
    cases: list[tuple[Any, str]] = [
        (till.ask(customer, "paypal"), "/gateway"),
        (till.ask(customer, "bkash", "0.00"), "/amount"),
        (till.ask(customer, "bkash", "1.001"), "/amount"),
        (till.ask(customer, "bkash", "5.00", currency="USD"), "/amount/currency"),
        (till.ask(customer, "sslcommerz", "5.00"), "/amount/amount"),
        (till.ask(euros, "bkash", "500", currency="JPY"), "/amount/currency"),
        (till.ask(customer, "bkash", return_url="javascript:alert(1)"), "/return_url"),
        (till.ask(customer, "bkash", payer="x"), "/payer"),
    ]
    for answer, pointer in cases:
        assert answer.status_code == 422, answer.json
        assert answer.json["errors"][0]["pointer"].startswith(pointer), answer.json
    assert stage.rows("SELECT 1 FROM payment_intent") == []
    assert (stripe.asked, bkash.asked) == ([], [])


def test_b20_another_branchs_customer_and_intents_are_not_there(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer(path=NORTH)
    intent = till.intent(customer, "bkash", path=NORTH, role="reseller")
    place = f"/v1/payment-intents/{intent['id']}"

    assert till.ask(customer, "bkash", path=SOUTH, role="reseller").status_code == 404
    assert stage.get(place, path=SOUTH, role="manager").status_code == 404
    assert stage.get("/v1/payment-intents", path=SOUTH, role="manager").json["items"] == []  # type: ignore[index]
    mine: Any = stage.get("/v1/payment-intents", path=NORTH, role="reseller", state="pending").json
    assert [one["id"] for one in mine["items"]] == [intent["id"]]
    assert stage.get(place, path=NORTH, role="reseller").headers["ETag"]


def test_a_customer_who_moves_to_another_operator_takes_the_intents_along(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer(path=NORTH)
    intent = till.intent(customer, "bkash")
    bkash.pay(intent["redirect_url"]).amount = "5.00"
    till.come_back(intent)

    stage.update(customer, operator_path=SOUTH)

    assert till.reviews(path=NORTH, role="manager") == []
    assert [one["intent_id"] for one in till.reviews(path=SOUTH, role="manager")] == [intent["id"]]


def test_the_payer_goes_on_to_the_front_ends_page(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash", return_url="https://portal.example.net/done?from=pay")
    bkash.pay(intent["redirect_url"])

    answer = stage.client.post(f"/v1/payment-intents/{intent['id']}/return", data={"status": "x"})

    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        f"https://portal.example.net/done?from=pay&payment_intent={intent['id']}&state=succeeded"
    )


def test_a_browser_without_a_front_end_sees_where_the_payment_stands(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    intent = till.intent(stage.customer(), "bkash")
    place, wanted = f"/v1/payment-intents/{intent['id']}/return", {"Accept": "text/html"}

    waiting = stage.client.get(place, headers=wanted)
    bkash.pay(intent["redirect_url"])
    too_soon = bkash.calls("payment/status")
    stage.client.get(place, headers=wanted)
    assert bkash.calls("payment/status") == too_soon, "a page loaded again asks no gateway"
    till.pass_time()
    arrived = stage.client.get(place, headers=wanted)

    assert b"looked up" in waiting.data and b"http-equiv" in waiting.data
    assert b"has arrived" in arrived.data and b"http-equiv" not in arrived.data
    assert b"Karim" not in arrived.data


def test_bkash_grants_one_token_to_all_processes(
    till: Till, stage: Stage, bkash: FakeBkash, settings: PaymentsSettings, database: Database
) -> None:
    till.intent(stage.customer(), "bkash")
    another = build(settings, database, keys=lambda _afresh: KeySet([KEY]))
    till.stage.client = another.test_client()
    till.intent(stage.customer("Rahim"), "bkash")
    assert bkash.grants == 1
    (kept,) = stage.rows("SELECT sealed FROM gateway_token")
    assert "token-1" not in kept.sealed

    bkash.tokens.clear()
    till.intent(stage.customer("Jamal"), "bkash")
    assert bkash.grants == 2


def test_bkash_without_balance_fails_and_the_payer_is_told(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    intent = till.intent(stage.customer(), "bkash")
    bkash.pay(intent["redirect_url"])
    bkash.execute_code = "2023"

    assert till.come_back(intent) == "failed"

    found: Any = stage.get(f"/v1/payment-intents/{intent['id']}").json
    assert found["failure"] == "bKash 2023"


def test_bkash_that_took_the_money_but_did_not_answer_is_asked_not_guessed(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    bkash.pay(intent["redirect_url"])
    bkash.silent = {"execute"}

    assert till.come_back(intent) == "succeeded"
    assert len(till.payments(customer)) == 1


def test_a_gateway_that_hangs_leaves_most_of_the_web_role_to_others(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customers = [stage.customer(f"Payer {number}") for number in range(8)]
    bkash.gate.clear()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(till.ask, customer, "bkash") for customer in customers]
        until(lambda: sum(one.done() for one in asked) >= 4, message="nobody is sent away")
        assert len(bkash.asked) <= 4, "the others were kept from asking"
        answers: list[Any] = [one.result().json for one in asked if one.done()]
        bkash.gate.set()
    assert {answer["state"] for answer in answers} == {"created"}
    till.pass_time()
    till.work()

    states: Any = stage.get("/v1/payment-intents").json
    assert {one["state"] for one in states["items"]} == {"pending"}


def test_nagads_answers_are_taken_only_with_nagads_signature(
    till: Till, stage: Stage, nagad: FakeNagad
) -> None:
    nagad.signing = SHOP

    answer: Any = till.ask(stage.customer(), "nagad").json

    assert (answer["state"], answer["redirect_url"]) == ("created", None)
    assert answer["failure"] == "an answer that Nagad has not signed"


def test_sslcommerz_in_another_currency_compares_what_was_asked_for(
    till: Till, stage: Stage, sslcommerz: FakeSslcommerz
) -> None:
    customer = stage.customer("Anna", currency="USD")
    intent = till.intent(customer, "sslcommerz", "50.00", currency="USD")
    sslcommerz.pay(intent["redirect_url"])

    assert till.come_back(intent) == "succeeded"

    (payment,) = till.payments(customer)
    assert (str(payment.amount), payment.currency) == ("50.0000", "USD")


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("500.00", "BDT", 50000), ("500", "JPY", 500), ("500", "UGX", 50000), ("1.230", "KWD", 1230)],
)
def test_stripe_is_told_its_own_smallest_units(
    till: Till, stage: Stage, stripe: FakeStripe, amount: str, currency: str, units: int
) -> None:
    customer = stage.customer("Anna", currency=currency)
    intent = till.intent(customer, "stripe", amount, currency=currency)
    (session,) = stripe.sessions.values()
    assert (session["amount_total"], session["currency"]) == (units, currency.lower())
    stripe.pay(intent["redirect_url"])

    assert till.come_back(intent) == "succeeded"

    (payment,) = till.payments(customer)
    assert payment.amount == major(units, currency)
    assert minor(payment.amount, currency) == units


def test_stripe_takes_no_thousandths(till: Till, stage: Stage) -> None:
    customer = stage.customer("Anna", currency="KWD")
    refused: Any = till.ask(customer, "stripe", "1.234", currency="KWD")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/amount/amount")


def test_a_gateway_without_settings_is_a_422_that_names_them(
    till: Till, stage: Stage, settings: PaymentsSettings, database: Database
) -> None:
    bare = replace(settings, gateways=GatewaySettings())
    till.stage.client = build(bare, database, keys=lambda _afresh: KeySet([KEY])).test_client()

    refused: Any = till.ask(stage.customer(), "stripe")

    assert refused.status_code == 422
    assert "STRIPE_SECRET_KEY" in refused.json["errors"][0]["detail"]
    assert till.deliver("bkash", ({}, b"{}")).status_code == 422


def test_a_gateway_that_is_configured_in_part_keeps_the_service_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_1")
    with pytest.raises(BadSetting, match="STRIPE_WEBHOOK_SECRETS"):
        configuration.read(Env(), "")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_1")
    found = configuration.read(Env(), "")
    assert found.stripe is not None
    assert "sk_1" not in repr(found) and "whsec_1" not in repr(found)
    monkeypatch.setenv("PAYMENT_INTENT_MINUTES", "5")
    with pytest.raises(BadSetting, match="PAYMENT_INTENT_MINUTES"):
        configuration.read(Env(), "")


def test_a_key_that_is_none_keeps_the_service_from_starting(
    settings: PaymentsSettings, database: Database
) -> None:
    assert settings.gateways.nagad is not None
    broken = replace(settings.gateways.nagad, merchant_private_key="bm8ga2V5")
    with pytest.raises(BadSetting, match="NAGAD_MERCHANT_PRIVATE_KEY"):
        build(replace(settings, gateways=replace(settings.gateways, nagad=broken)), database)


def test_a_failed_delivery_is_seen_and_replayed(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    session = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    till.deliver("stripe", stripe.delivery("checkout.session.completed", session))
    stripe.broken = {""}
    for _ in range(13):
        till.pass_time("webhook_delivery")
        till.work()
    (failed,) = till.deliveries(state="failed")
    assert failed["outcome"] == "not answered: HTTP 500"
    shown: Any = stage.get(f"/v1/webhook-deliveries/{failed['id']}").json
    assert session["id"] in shown["body"] and "stripe-signature" in shown["headers"]

    stripe.broken = set()
    place = f"/v1/webhook-deliveries/{failed['id']}/replay"
    assert stage.post(place, {}, path=NORTH, role="reseller").status_code == 403
    assert stage.post(place, {}).status_code == 202
    till.work()

    assert len(till.payments(customer)) == 1
    assert [row["outcome"] for row in till.deliveries()] == ["credited"]
    assert stage.rows("SELECT 1 FROM operation WHERE action = 'webhook_delivery.replayed'")


def test_a_repeat_of_a_failed_delivery_is_another_try(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    """Seen is not done (dj-stripe 832)."""
    customer = stage.customer()
    session = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    delivery = stripe.delivery("checkout.session.completed", session)
    till.deliver("stripe", delivery)
    stage.rows("UPDATE webhook_delivery SET state = 'failed', next_at = NULL RETURNING 1")
    till.deliver("stripe", delivery)
    till.work()
    assert len(till.payments(customer)) == 1


def test_what_is_about_nothing_of_ours_is_ignored(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash
) -> None:
    till.deliver("stripe", stripe.delivery("customer.created", {"id": "cus_1"}))
    till.deliver("stripe", stripe.delivery("payment_intent.succeeded", {"id": "pi_shop"}))
    till.deliver("bkash", bkash.sns("UnsubscribeConfirmation", "gone"))
    till.work()
    states = [(row["gateway"], row["state"]) for row in till.deliveries()]
    assert ("stripe", "ignored") in states and ("bkash", "ignored") in states
