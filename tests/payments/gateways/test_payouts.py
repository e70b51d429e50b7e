"""A gateway's settlement file: what was paid out is noted, and money missing in the books is found."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from payments import payouts
from payments.gateways.registry import Gateways
from payments.jobs import kinds
from payments.payouts import PaidOut
from shared.jobs import run_due
from tests.payments.gateways.till import Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_money_at_the_gateway_that_is_not_in_our_books_is_found_by_its_file(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash
) -> None:
    known, unknown = stage.customer("Karim"), stage.customer("Rahim")
    first, second = till.intent(known, "stripe"), till.intent(unknown, "stripe")
    one, other = stripe.pay(first["redirect_url"]), stripe.pay(second["redirect_url"])
    till.come_back(first)
    lines = [PaidOut(transaction=s["payment_intent"], settled_at=AT) for s in (one, other)]
    lines.append(PaidOut(transaction="pi_of_nobody", settled_at=AT))

    with till.database.transaction() as session:
        missing = payouts.settled(session, "stripe", lines, till.settings)
    assert [line.transaction for line in missing] == [other["payment_intent"], "pi_of_nobody"]
    gateway = Gateways(till.settings.gateways, till.database, till.settings.secret_key)["stripe"]
    found = [payouts.find(till.database, gateway, line, till.settings) for line in missing]

    assert [outcome.kind if outcome else None for outcome in found] == ["credited", None]
    for customer in (known, unknown):
        (payment,) = till.payments(customer)
        assert (payment.settled_at, payment.amount) == (AT, Decimal("500.00"))
    with till.database.transaction() as session:
        assert payouts.settled(session, "stripe", lines[:2], till.settings) == []


def test_what_waits_for_a_person_is_counted(till: Till, stage: Stage, bkash: FakeBkash) -> None:
    customer = stage.customer()
    bkash.pay(till.intent(customer, "bkash")["redirect_url"]).amount = "1.00"
    late = till.intent(customer, "bkash", "70.00")
    stage.rows(
        "UPDATE payment_intent SET expires_at = now() - interval '1 hour' WHERE id = :id"
        " RETURNING 1", id=late["id"],
    )  # fmt: skip
    bkash.broken = {"payment/status"}
    stage.rows("UPDATE payment_intent SET next_check_at = now() RETURNING 1")
    till.work()
    bkash.broken = set()
    stage.rows("UPDATE payment_intent SET next_check_at = now() WHERE amount = 500 RETURNING 1")
    till.work()

    shown = stage.client.get("/metrics").data.decode()

    assert 'tenure_gateway_work{kind="reviews_open"} 1.0' in shown
    assert 'tenure_gateway_work{kind="intents_unanswered"} 1.0' in shown


def test_a_settlement_file_is_a_job_that_asks_the_gateway_for_what_is_missing(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    """One pipeline: what was paid and never told is found by the file, credited once, and settled."""
    customer, nobody = stage.customer("Karim"), stage.customer("Rahim")
    lost = stripe.pay(till.intent(customer, "stripe")["redirect_url"])
    text = (
        "date,amount,currency,reference\n"
        f"2026-11-20,500.00,BDT,{lost['payment_intent']}\n2026-11-20,9.00,BDT,pi_of_nobody\n"
    )
    answer = stage.client.post(
        "/v1/statement-imports?source=stripe", data=text, content_type="text/csv",
        headers={**stage.bearer(), "Idempotency-Key": "settlement-0001"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.json

    run_due(till.database, kinds(till.settings))

    (payment,) = till.payments(customer)
    assert (payment.amount, payment.settled_at.date().isoformat()) == (
        Decimal("500.00"),
        "2026-11-20",
    )
    assert till.payments(nobody) == []
    lines = stage.rows("SELECT state, exception FROM statement_line ORDER BY line")
    assert lines == [("matched", None), ("open", "unknown")]
    (asked,) = stage.rows("SELECT result, total, done FROM job WHERE kind = 'statements.look_up'")
    assert asked.result == {"asked": 2, "found": 1}
