"""Money that does not fit is credited to nobody and lost by nobody: a person decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.payments.gateways.till import Till
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.gateways.bkash import Checkout, FakeBkash
from tests.support.gateways.nagad import FakeNagad
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe


def test_a_wrong_amount_waits_for_a_person_and_what_was_paid_is_credited(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash", "500.00")
    bkash.pay(intent["redirect_url"]).amount = "5.00"

    assert till.come_back(intent) == "needs_review"

    assert till.payments(customer) == []
    (review,) = till.reviews(state="open")
    assert (review["cause"], review["amount"]["amount"], review["expected"]["amount"]) == (
        "wrong_amount", "5.00", "500.00",
    )  # fmt: skip
    assert "approve what was really paid" in review["what_to_do"]
    answer = till.decide(review, "approve")
    assert answer.status_code == 200, answer.json
    assert till.paid(customer) == Decimal("5.00")
    assert till.state(intent) == "succeeded"
    again = till.decide(review, "approve")
    assert (again.status_code, again.json["errors"][0]["code"]) == (409, "already_decided")  # type: ignore[index]
    till.pass_time()
    till.work()
    assert till.paid(customer) == Decimal("5.00")


def test_a_wrong_currency_waits_for_a_person(till: Till, stage: Stage, stripe: FakeStripe) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "stripe")
    stripe.pay(intent["redirect_url"], currency="usd")

    assert till.come_back(intent) == "needs_review"

    (review,) = till.reviews()
    assert (review["cause"], review["amount"]["currency"]) == ("wrong_currency", "USD")
    refused: Any = till.decide(review, "approve")
    assert refused.status_code == 422, "the account is in taka"
    assert till.payments(customer) == []


def test_a_card_that_the_bank_finds_risky_waits_for_a_person(
    till: Till, stage: Stage, sslcommerz: FakeSslcommerz, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    stripe.risk = "elevated"
    by_card, by_bank = till.intent(customer, "stripe"), till.intent(customer, "sslcommerz")
    stripe.pay(by_card["redirect_url"])
    sslcommerz.pay(by_bank["redirect_url"], risk_level="1", risk_title="Unsafe")

    assert till.come_back(by_card) == "needs_review"
    assert till.come_back(by_bank) == "needs_review"

    assert {review["cause"] for review in till.reviews()} == {"risk"}


def test_money_of_no_intent_of_ours_is_shown_and_credited_to_whose_it_is(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    checkout = bkash.pay(intent["redirect_url"])
    bkash.loose["BKXLOOSE01"] = "700.00"
    stray = bkash.notification(checkout, trxID="BKXLOOSE01", merchantInvoiceNumber="INV-1")

    assert till.deliver("bkash", stray).status_code == 200
    till.work()

    (review,) = till.reviews()
    assert (review["cause"], review["customer_id"]) == ("unknown_intent", None)
    assert till.reviews(path=NORTH, role="manager") == [], "nobody knows whose it is"
    nobody: Any = till.decide(review, "approve")
    assert (nobody.status_code, nobody.json["errors"][0]["pointer"]) == (422, "/customer_id")
    answer: Any = till.decide(review, "approve", customer_id=str(customer))
    assert (answer.status_code, answer.json["state"]) == (200, "approved")
    assert till.paid(customer) == Decimal("700.00")
    assert till.reviews(path=NORTH, role="manager")[0]["customer_name"] == "Karim Ahmed"


def test_money_that_names_an_intent_but_was_not_paid_by_its_checkout_is_not_credited(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    """A payer who types our number in as a reference does not get another one's payment."""
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    checkout = bkash.checkouts[intent["redirect_url"].rpartition("=")[2]]
    bkash.loose["BKXLOOSE02"] = "500.00"

    till.deliver("bkash", bkash.notification(checkout, trxID="BKXLOOSE02"))
    till.work()

    (review,) = till.reviews()
    assert (review["cause"], review["intent_id"]) == ("unknown_intent", intent["id"])
    assert till.payments(customer) == []
    bkash.pay(intent["redirect_url"])
    assert till.come_back(intent) == "succeeded"


def test_a_second_payment_for_one_intent_is_kept_for_a_person(
    till: Till, stage: Stage, sslcommerz: FakeSslcommerz
) -> None:
    """Two tabs, two payments: the second is never silent (WooCommerce 1204)."""
    customer = stage.customer()
    intent = till.intent(customer, "sslcommerz")
    first = dict(sslcommerz.pay(intent["redirect_url"]))
    second = dict(sslcommerz.pay(intent["redirect_url"]))
    till.deliver("sslcommerz", sslcommerz.ipn(first))
    till.deliver("sslcommerz", sslcommerz.ipn(second))
    till.work()

    assert len(till.payments(customer)) == 1
    assert till.state(intent) == "succeeded"
    (review,) = till.reviews()
    assert review["cause"] == "second_payment"
    answer: Any = till.decide(review, "reject", give_back=True)
    assert answer.status_code == 200, answer.json
    till.work()
    (refund,) = till.refunds()
    assert (refund["state"], refund["review_id"]) == ("refunded", review["id"])
    assert till.paid(customer) == Decimal("500.00")


def test_what_a_cashier_has_typed_in_is_not_credited_again(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer, other = stage.customer(), stage.customer("Rahim")
    intent, theirs = till.intent(customer, "bkash"), till.intent(other, "bkash")
    for one, who in ((intent, customer), (theirs, customer)):
        checkout = bkash.pay(one["redirect_url"])
        bkash._execute({"paymentID": checkout.payment_id})
        stage.paid(who, "500.00", method="bkash", transaction_reference=checkout.transaction)

    assert till.come_back(intent) == "succeeded"
    assert till.come_back(theirs) == "needs_review"

    assert len(till.payments(customer)) == 2, "those of the cashier"
    assert till.payments(other) == []
    (review,) = till.reviews()
    assert review["cause"] == "recorded_by_hand"
    assert till.decide(review, "approve").status_code == 409


def test_who_may_decide_and_whose_reviews_are_seen(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer(path=NORTH)
    intent = till.intent(customer, "bkash", path=NORTH, role="reseller")
    bkash.pay(intent["redirect_url"]).amount = "5.00"
    till.come_back(intent)
    (review,) = till.reviews(path=NORTH, role="reseller")

    assert till.decide(review, "approve", path=NORTH, role="reseller").status_code == 403
    assert till.reviews(path=SOUTH, role="manager") == []
    assert till.decide(review, "approve", path=SOUTH, role="manager").status_code == 404
    assert till.decide(review, "reject", path=NORTH, role="manager").status_code == 200
    assert till.state(intent) == "failed"
    another = till.intent(customer, "bkash", "90.00", path=NORTH, role="reseller")
    bkash.pay(another["redirect_url"]).amount = "9.00"
    till.come_back(another)
    (review,) = till.reviews(path=NORTH, role="manager", state="open")
    approved = till.decide(review, "approve", path=NORTH, role="manager")
    assert approved.status_code == 200, approved.json
    assert till.paid(customer) == Decimal("9.00")
    assert stage.rows("SELECT 1 FROM operation WHERE action = 'payment_review.rejected'")


def test_a_hint_for_another_payers_payment_moves_no_money(
    till: Till, stage: Stage, nagad: FakeNagad
) -> None:
    """Nagad's callback is unsigned: whoever writes one gets only what Nagad itself confirms."""
    honest, thief = stage.customer("Karim"), stage.customer("Thief")
    paid, wanted = till.intent(honest, "nagad"), till.intent(thief, "nagad")
    payment = nagad.pay(paid["redirect_url"])
    headers, _ = nagad.callback(payment)
    forged = b'{"payment_ref_id": "%s", "order_id": "%s", "status": "Success"}' % (
        payment["paymentRefId"].encode(),
        wanted["reference"].encode(),
    )

    assert till.deliver("nagad", (headers, forged)).status_code == 200
    till.work()

    assert till.payments(thief) == []
    assert till.state(wanted) == "pending"
    assert till.come_back(paid) == "succeeded"
    assert len(till.payments(honest)) == 1


def test_hints_that_nobody_signs_are_few_for_each_payment_and_none_for_unknown_ones(
    till: Till, stage: Stage, nagad: FakeNagad
) -> None:
    intent = till.intent(stage.customer(), "nagad")
    asked = len(nagad.asked)
    for number in range(20):
        hint = b'{"payment_ref_id": "MTEyMTE%d", "order_id": "%s", "status": "%d"}' % (
            number, intent["reference"].encode(), number,
        )  # fmt: skip
        assert till.deliver("nagad", ({}, hint)).status_code == 200
        stranger = b'{"payment_ref_id": "MTEyMTE1", "order_id": "TNOBODYS", "status": "Success"}'
        assert till.deliver("nagad", ({}, stranger)).status_code == 401
        till.work()

    assert len(nagad.asked) == asked + 1
    (kept,) = till.deliveries(verdict="unsigned")
    assert (kept["repeats"], kept["outcome"]) == (19, "the gateway says pending")


def test_unknown_payments_are_in_the_report_by_gateway_cause_and_age(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    bkash.loose["BKX9999999"] = "75.00"
    lost = Checkout("TR0", "75.00", "NOBODYSINVOICE", "", transaction="BKX9999999")
    assert till.deliver("bkash", bkash.notification(lost)).status_code == 200
    till.work()
    stage.rows("UPDATE payment_review SET opened_at = now() - interval '10 days' RETURNING 1")

    found: Any = stage.get("/v1/reports/reconciliation").json["waiting_reviews"]  # type: ignore[index]
    assert found == [{
        "gateway": "bkash", "cause": "unknown_intent", "age_days": "8-30", "payments": 1,
        "amount": {"amount": "75.00", "currency": "BDT"},
    }]  # fmt: skip
    seen: Any = stage.get("/v1/reports/reconciliation", NORTH, "manager").json
    assert seen["waiting_reviews"] == [], "whose it is, only the root operator may ask"
