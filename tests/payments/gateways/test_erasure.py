"""Erasure in the gateway pipeline: no trace of the person, no second credit, nothing comes back (A35-A37)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe

# Every column that can hold text, raw bodies too.
_COLUMNS = (
    "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
    " JOIN information_schema.tables t USING (table_schema, table_name)"
    " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
    " AND c.data_type IN ('text', 'jsonb', 'ARRAY', 'bytea')"
)


def traces(stage: Stage, *needles: str) -> set[str]:
    """table.column of every place where a needle is left."""
    found = set()
    for table, column, kind in stage.rows(_COLUMNS):
        shown = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
        for needle in needles:
            if stage.rows(
                f'SELECT 1 FROM "{table}" WHERE strpos({shown}, :needle) > 0 LIMIT 1', needle=needle
            ):
                found.add(f"{table}.{column}")
    return found


def payer(till: Till, bkash: FakeBkash) -> tuple[UUID, Any, Any, tuple[str, ...]]:
    """A customer with traces in every table of the pipeline, and the words that name the person."""
    customer = till.stage.customer()
    paid = till.intent(customer, "bkash", return_url="https://portal.example.net/karim.ahmed")
    checkout = bkash.pay(paid["redirect_url"])
    bkash._execute({"paymentID": checkout.payment_id})
    delivery = bkash.notification(checkout)
    till.deliver("bkash", delivery)
    till.work()
    wrong = till.intent(customer, "bkash", "80.00")
    bkash.pay(wrong["redirect_url"]).amount = "8.00"
    till.come_back(wrong)
    (review,) = till.reviews()
    till.decide(review, "reject", reason="Karim says it was a slip", give_back=True)
    (payment,) = till.payments(customer)
    answer = till.stage.post(
        f"/v1/payments/{payment.id}/refund",
        {"reason": "Karim moved away", "amount": {"amount": "100.00", "currency": "BDT"}},
    )
    assert answer.status_code == 200, answer.json
    till.work()
    assert {row["state"] for row in till.refunds()} == {"refunded"}
    words = (
        "8801711000000", "Karim", "karim.ahmed", str(checkout.transaction), paid["reference"],
        wrong["reference"], checkout.payment_id,
    )  # fmt: skip
    return customer, checkout, delivery, words


def test_a35_a_pseudonymised_payer_leaves_the_money_and_no_trace(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer, checkout, _, words = payer(till, bkash)
    tables = {place.partition(".")[0] for place in traces(stage, *words)}
    pipeline = {"payment_intent", "webhook_delivery", "gateway_transaction", "payment_review",
                "gateway_refund"}  # fmt: skip
    assert pipeline <= tables, "the search itself must find something"
    paid = till.paid(customer)

    stage.erase(customer)

    assert traces(stage, *words) == set()
    assert till.paid(customer) == paid == Decimal("400.00")
    assert checkout.transaction
    (told,) = stage.rows(
        "SELECT data->'rows' FROM outbox WHERE type = 'erasure.receipt' AND subject = :id",
        id=customer,
    )
    assert told[0].items() >= {"payment_intent": 2, "webhook_delivery": 1, "payment_review": 1,
                               "gateway_refund": 2, "gateway_transaction": 2}.items()  # fmt: skip


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_a_late_word_of_the_gateway_neither_credits_again_nor_brings_the_person_back(
    till: Till, stage: Stage, bkash: FakeBkash, mode: str
) -> None:
    customer, _, delivery, words = payer(till, bkash)
    stage.erase(customer, mode)
    payments = stage.rows("SELECT count(*) FROM payment")

    assert till.deliver("bkash", delivery).status_code == 200
    till.work()
    till.pass_time()
    till.work()

    assert stage.rows("SELECT count(*) FROM payment") == payments
    assert till.reviews(state="open") == []
    assert traces(stage, *words) == set()
    if mode == "everything":
        rows = stage.rows("SELECT * FROM gateway_transaction")
        assert {(row.customer_id, row.amount) for row in rows} == {(None, Decimal(0))}
        for table in ("payment_intent", "payment_review", "gateway_refund", "webhook_delivery"):
            assert stage.rows(f"SELECT 1 FROM {table}") == [], table


def test_money_that_comes_after_the_erasure_waits_without_a_person(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "stripe")
    session = stripe.pay(intent["redirect_url"])
    stage.erase(customer)

    till.deliver("stripe", stripe.delivery("checkout.session.completed", session))
    till.work()

    (review,) = till.reviews()
    assert (review["cause"], review["customer_name"]) == ("erased_customer", "[erased]")
    assert till.decide(review, "approve").status_code == 410
    assert till.decide(review, "reject", give_back=True).status_code == 200
    till.work()
    assert [row["state"] for row in till.refunds()] == ["refunded"]
    assert till.deliveries() == [], "its body names the payer"


def test_a_refund_under_way_is_finished_for_an_erased_payer(
    till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    intent = till.intent(customer, "bkash")
    checkout = bkash.pay(intent["redirect_url"])
    till.come_back(intent)
    (payment,) = till.payments(customer)
    stage.post(f"/v1/payments/{payment.id}/refund", {"reason": "moved away"})
    stage.erase(customer)

    till.work()

    assert checkout.refund is not None
    assert [row["state"] for row in till.refunds()] == ["refunded"]
    assert traces(stage, str(checkout.transaction), checkout.payment_id) == set()


def test_raw_deliveries_go_after_their_time(till: Till, stage: Stage, stripe: FakeStripe) -> None:
    from payments import tasks

    customer = stage.customer()
    session = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    for _ in range(2):
        till.deliver("stripe", stripe.delivery("checkout.session.completed", session))
    till.work()
    stage.rows(
        "UPDATE webhook_delivery SET received_at = now() - interval '91 days'"
        " WHERE id = (SELECT min(id::text)::uuid FROM webhook_delivery) RETURNING 1"
    )

    tasks.remove_deliveries(till.database, till.settings)

    assert len(till.deliveries()) == 1
    assert len(till.payments(customer)) == 1
