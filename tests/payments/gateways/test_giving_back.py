"""Money that left at a gateway's own pages: booked once, or shown to a person (E2, C29)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

from payments import proving
from payments.jobs import kinds
from shared.jobs import run_due
from tests.payments.gateways.test_refunding import paid, refund
from tests.payments.gateways.till import Till
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.nagad import FakeNagad
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe


def tell(till: Till, stripe: FakeStripe, kind: str, about: dict[str, Any]) -> None:
    """Stripe sends the event and the worker has its turn."""
    assert till.deliver("stripe", stripe.delivery(kind, about)).status_code in (200, 202)
    till.work()


def proved(till: Till) -> None:
    assert proving.prove(till.database)["differences"] == 0


def test_a_refund_begun_at_stripe_is_booked_once_however_often_it_is_told(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    given = stripe.give_back(payment.transaction_reference, 20_000)
    charge = {"id": "ch_1", "payment_intent": payment.transaction_reference, "metadata": {}}

    for _ in range(3):
        tell(till, stripe, "charge.refunded", charge)
        tell(till, stripe, "refund.created", given)
    stage.rows("UPDATE gateway_transaction SET next_look_at = now() RETURNING 1")
    till.work()

    assert till.paid(customer) == Decimal("300.00")
    assert stage.types(customer).count("payment.refunded") == 1
    (seen,) = till.refunds(path=NORTH, role="reseller")
    assert (seen["state"], seen["gateway_reference"], seen["requested_by"]) == (
        "refunded", given["id"], "stripe",
    )  # fmt: skip
    assert till.refunds(path=SOUTH) == [] and till.reviews() == []
    proved(till)


def test_a_hundred_words_of_one_refund_at_once_book_it_once(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    given = stripe.give_back(payment.transaction_reference, 50_000)
    deliveries = [stripe.delivery("refund.created", given) for _ in range(100)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: till.deliver("stripe", one), deliveries))
        assert {answer.status_code for answer in answers} <= {200, 202}
        list(pool.map(lambda _: till.work(), range(4)))
    till.pass_time()
    till.work()
    assert till.paid(customer) == Decimal(0)
    assert stage.types(customer).count("payment.refunded") == 1
    assert len(till.refunds()) == 1
    proved(till)


def test_a_refund_of_our_own_is_known_for_ours_when_the_gateway_tells_of_it_first(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    assert refund(till, payment, "200.00").status_code == 200
    stripe.silent = {"refunds"}
    till.work()
    stripe.silent = set()
    (theirs,) = stripe.refunds.values()

    tell(till, stripe, "refund.created", theirs)
    till.pass_time()
    till.work()

    (seen,) = till.refunds()
    assert (seen["state"], seen["gateway_reference"]) == ("refunded", theirs["id"])
    assert till.paid(customer) == Decimal("300.00")
    theirs["status"] = "failed"
    tell(till, stripe, "refund.failed", theirs)
    assert till.refunds()[0]["state"] == "failed"
    assert till.paid(customer) == Decimal("500.00"), "the bank sent it back: the books say so"
    proved(till)


def test_what_an_operator_booked_by_hand_and_gave_back_there_is_one_refund(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    assert refund(till, payment, "200.00", through_gateway=False).status_code == 200
    tell(till, stripe, "refund.created", stripe.give_back(payment.transaction_reference, 20_000))
    assert till.paid(customer) == Decimal("300.00")
    assert till.reviews() == [] and len(till.refunds()) == 1

    tell(till, stripe, "refund.created", stripe.give_back(payment.transaction_reference, 5_000))
    assert till.paid(customer) == Decimal("250.00"), "other money"
    assert refund(till, payment, "100.00", through_gateway=False).status_code == 200
    tell(till, stripe, "refund.created", stripe.give_back(payment.transaction_reference, 12_000))
    (review,) = till.reviews()
    assert (review["cause"], review["amount"]["amount"]) == ("refunded_elsewhere", "120.00")
    assert till.paid(customer) == Decimal("150.00"), "a person compares"
    assert till.decide(review, "approve").status_code == 200
    assert till.paid(customer) == Decimal("30.00")
    proved(till)


def test_a_dispute_is_a_review_until_the_bank_has_decided(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    dispute = stripe.dispute(payment.transaction_reference, 50_000)
    for _ in range(2):
        tell(till, stripe, "charge.dispute.created", dispute)
    (review,) = till.reviews(path=NORTH, role="reseller")
    assert (review["cause"], review["state"], review["payment_id"]) == (
        "disputed", "open", str(payment.id),
    )  # fmt: skip
    assert "answer at the gateway" in review["what_to_do"]
    assert till.paid(customer) == Decimal("500.00")
    give_back = till.decide(review, "reject", give_back=True)
    assert give_back.status_code == 409, "it has left already"

    dispute["status"] = "lost"
    for _ in range(2):
        tell(till, stripe, "charge.dispute.closed", dispute)

    (review,) = till.reviews()
    assert (review["state"], review["decided_by"]) == ("approved", "stripe")
    assert till.paid(customer) == Decimal(0)
    assert stage.types(customer).count("payment.refunded") == 1
    proved(till)


def test_a_dispute_that_is_won_costs_nothing_even_when_it_was_booked_before(
    till: Till, stripe: FakeStripe
) -> None:
    one, first = paid(till, stripe, "stripe")
    other, second = paid(till, stripe, "stripe")
    disputes = [stripe.dispute(p.transaction_reference, 50_000) for p in (first, second)]
    for dispute in disputes:
        tell(till, stripe, "charge.dispute.created", dispute)
    early = next(r for r in till.reviews() if r["payment_id"] == str(second.id))
    assert till.decide(early, "approve").status_code == 200
    assert till.paid(other) == Decimal(0)

    for dispute in disputes:
        dispute["status"] = "won"
        tell(till, stripe, "charge.dispute.closed", dispute)

    assert (till.paid(one), till.paid(other)) == (Decimal("500.00"), Decimal("500.00"))
    assert sorted(review["state"] for review in till.reviews()) == ["approved", "rejected"]
    proved(till)


def test_a_refund_of_a_payment_that_nobody_told_us_of_is_found_with_it(
    till: Till, stripe: FakeStripe, stage: Stage
) -> None:
    customer = stage.customer()
    session = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    tell(till, stripe, "refund.created", stripe.give_back(session["payment_intent"], 20_000))
    assert till.paid(customer) == Decimal("300.00")
    tell(till, stripe, "refund.created", {"id": "re_x", "payment_intent": "pi_of_nobody"})
    assert [d["state"] for d in till.deliveries()] == ["ignored", "processed"]
    tell(till, stripe, "charge.refunded", {"id": "ch_x", "payment_intent": None})
    assert [d["state"] for d in till.deliveries()][0] == "ignored"


def test_money_in_review_that_went_back_needs_no_decision_any_more(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    intent = till.intent(stage.customer(), "stripe")
    session = stripe.pay(intent["redirect_url"], amount_total=40_000)
    till.come_back(intent)
    (review,) = till.reviews()
    assert review["cause"] == "wrong_amount"
    tell(till, stripe, "refund.created", stripe.give_back(session["payment_intent"], 40_000))
    (review,) = till.reviews()
    assert (review["state"], review["decided_by"]) == ("rejected", "stripe")
    assert len(till.refunds()) == 1


def test_a_refund_begun_at_bkash_is_found_by_the_clock(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer, payment = paid(till, bkash, "bkash")
    (checkout,) = bkash.checkouts.values()
    checkout.refund = {"refundTrxID": "BKR1", "amount": "150.00", "transactionStatus": "Completed"}
    till.work()
    assert till.paid(customer) == Decimal("500.00"), "nobody has looked yet"
    for _ in range(4):
        stage.rows(
            "UPDATE gateway_transaction SET next_look_at = now() WHERE next_look_at IS NOT NULL"
            " RETURNING 1"
        )
        till.work()
    assert till.paid(customer) == Decimal("350.00")
    assert stage.rows("SELECT looks, next_look_at FROM gateway_transaction") == [(4, None)]
    again = refund(till, payment, "150.00")
    assert again.status_code == 200
    till.work()
    assert till.paid(customer) == Decimal("350.00"), "bKash gives a payment back once"
    assert sorted(row["state"] for row in till.refunds()) == ["failed", "refunded"]
    proved(till)


def test_a_payment_that_a_gateway_has_ceased_to_confirm_is_shown_to_a_person_once(
    till: Till, stage: Stage, nagad: FakeNagad, sslcommerz: FakeSslcommerz
) -> None:
    for fake, gateway in ((nagad, "nagad"), (sslcommerz, "sslcommerz")):
        paid(till, fake, gateway)
    for attempt in sslcommerz.attempts.values():
        attempt["status"] = "REFUNDED"
    for payment in nagad.payments.values():
        payment["status"] = "Refunded"
    for _ in range(2):
        stage.rows("UPDATE gateway_transaction SET next_look_at = now() RETURNING 1")
        till.work()
    assert [(r["gateway"], r["cause"]) for r in sorted(till.reviews(), key=lambda r: r["gateway"])] == [
        ("nagad", "refunded_elsewhere"), ("sslcommerz", "refunded_elsewhere"),
    ]  # fmt: skip


def test_a_settlement_file_that_shows_money_going_out_has_it_looked_at(
    till: Till, stage: Stage, stripe: FakeStripe, nagad: FakeNagad
) -> None:
    first, by_stripe = paid(till, stripe, "stripe")
    second, by_nagad = paid(till, nagad, "nagad")
    stripe.give_back(by_stripe.transaction_reference, 10_000)
    for source, payment in (("stripe", by_stripe), ("nagad", by_nagad), ("nagad", by_nagad)):
        text = (
            "date,amount,currency,reference\n"
            f"2026-11-20,-100.00,BDT,{payment.transaction_reference}\n"
        )
        for path, role in ((SOUTH, "reseller"), ("1/", "admin")):
            who: Any = role
            stage.client.post(
                f"/v1/statement-imports?source={source}", data=text, content_type="text/csv",
                headers={**stage.bearer(path, who), "Idempotency-Key": f"file-{next(stage.keys):09d}"},
            )  # fmt: skip
    run_due(till.database, kinds(till.settings))
    till.work()
    assert till.paid(first) == Decimal("400.00")
    (review,) = till.reviews()
    assert (review["gateway"], review["amount"]["amount"]) == ("nagad", "100.00")
    assert till.paid(second) == Decimal("500.00")


def test_an_erased_customers_refund_is_booked_without_a_name(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer, payment = paid(till, stripe, "stripe")
    removed, other = paid(till, stripe, "stripe")
    stage.erase(customer)
    stage.erase(removed, "everything")
    for one in (payment, other):
        tell(till, stripe, "refund.created", stripe.give_back(one.transaction_reference, 20_000))
    assert till.paid(customer) == Decimal("300.00")
    for one in (payment, other):
        assert stage.rows(
            "SELECT 1 FROM gateway_refund WHERE transaction = :t UNION ALL"
            " SELECT 1 FROM webhook_delivery WHERE strpos(encode(body, 'escape'), :t) > 0",
            t=one.transaction_reference,
        ) == []  # fmt: skip
    assert UUID(str(removed)) not in {row["customer_id"] for row in till.refunds()}
    proved(till)
