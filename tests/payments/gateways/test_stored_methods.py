"""Methods that customers store at a gateway: set up, replaced, removed, erased; tokens only (C29)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from payments import enrolling
from payments.gateways.registry import Gateways
from tests.payments.gateways.test_erasure import traces
from tests.payments.gateways.till import Till
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe


def remove(stage: Stage, method: dict[str, Any], **who: Any) -> Any:
    now: Any = stage.get(f"/v1/payment-methods/{method['id']}").json
    return stage.client.delete(
        f"/v1/payment-methods/{method['id']}",
        headers={**stage.bearer(**who), "If-Match": f'"{now.get("version", 1)}"'},
    )


def test_c29_a_card_is_stored_on_the_gateways_page_and_kept_as_its_names_only(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    method = till.store(customer)
    assert (method["state"], method["label"]) == ("pending", None)
    assert till.stored(method) == "pending"
    till.pass_time()
    stripe.vault.store(stripe, method["redirect_url"])

    assert till.stored(method) == "active"

    shown = till.method(method)
    assert (shown["state"], shown["label"], shown["redirect_url"]) == ("active", "visa 4242", None)
    ((card, payer),) = stripe.vault.cards.items()
    assert card not in str(shown) and payer not in str(shown)
    (told,) = stripe.vault.customers.values()
    assert set(told) == {"id", "object", "metadata[reference]"}, "Stripe is told of no person"
    actions = stage.rows("SELECT action FROM operation WHERE action LIKE 'payment_method.%'")
    assert {row.action for row in actions} == {"payment_method.created", "payment_method.stored"}


def test_c29_a_wallet_is_stored_by_an_agreement(till: Till, stage: Stage, bkash: FakeBkash) -> None:
    method = till.store(stage.customer(), "bkash")
    bkash.pay(method["redirect_url"])
    bkash.silent = {"execute"}

    assert till.stored(method) == "active"
    assert till.method(method)["label"] == "bKash 0000"
    assert len(bkash.agreements) == 1


def test_a_gateways_word_or_the_poller_finds_a_stored_card_without_the_browser(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    told, polled = till.store(stage.customer("Rahim")), till.store(stage.customer("Jamal"))
    session = stripe.vault.store(stripe, told["redirect_url"])
    stripe.vault.store(stripe, polled["redirect_url"])

    till.deliver("stripe", stripe.delivery("checkout.session.completed", session))
    till.work()
    assert [till.method(one)["state"] for one in (told, polled)] == ["active", "pending"]
    till.pass_time("payment_method")
    till.work()
    assert till.method(polled)["state"] == "active"
    assert [row["state"] for row in till.deliveries()] == ["processed"]


def test_a_page_that_was_never_used_stores_nothing_and_leaves_nothing_at_the_gateway(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    method = till.store(stage.customer())
    stage.rows("UPDATE payment_method SET expires_at = now() - interval '1 s' RETURNING 1")
    till.pass_time()
    till.work()
    shown = till.method(method)
    assert (shown["state"], shown["failure"]) == ("failed", "the payer let the page expire")
    assert stripe.vault.customers == {}


def test_a_gateway_that_is_away_while_a_method_is_asked_for_is_asked_again(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    """Stripe did what it was asked and its answer was lost: asking again makes no second payer."""
    stripe.silent = {"customers"}
    method = till.store(stage.customer())
    assert (method["state"], method["redirect_url"]) == ("created", None)
    stripe.silent = set()
    till.pass_time()
    till.work()
    assert till.method(method)["redirect_url"]
    assert len(stripe.vault.customers) == 1


def test_the_same_key_finds_the_same_method_and_refuses_another_request(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    customer = stage.customer()
    one, again = (till.store(customer, key="once-only-1") for _ in range(2))
    assert one["id"] == again["id"] and len(stripe.vault.sessions) == 1
    other = stage.post(
        f"/v1/customers/{customer}/payment-methods", {"gateway": "bkash"}, key="once-only-1"
    )
    assert other.status_code == 422


def test_a_new_method_takes_the_place_of_the_former_which_the_gateway_forgets(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash
) -> None:
    customer = stage.customer()
    wallet = till.store(customer, "bkash")
    bkash.pay(wallet["redirect_url"])
    till.stored(wallet)
    card = till.store(customer)
    stripe.vault.store(stripe, card["redirect_url"])
    till.stored(card)

    assert [till.method(one)["state"] for one in (wallet, card)] == ["removing", "active"]
    till.work()

    assert till.method(wallet)["state"] == "removed"
    assert (bkash.agreements, len(stripe.vault.cards)) == (set(), 1)


def test_a_removed_method_is_forgotten_at_the_gateway_however_late_it_answers(
    till: Till, stage: Stage, stripe: FakeStripe
) -> None:
    method = till.store(stage.customer())
    stripe.vault.store(stripe, method["redirect_url"])
    till.stored(method)
    (payer,) = stripe.vault.customers
    stripe.broken = {payer}

    assert remove(stage, method).status_code == 200
    till.work()
    assert till.method(method)["state"] == "removing"
    stripe.broken, stripe.silent = set(), {payer}
    till.pass_time()
    till.work()
    stripe.silent = set()
    till.pass_time()
    till.work()

    assert (till.method(method)["state"], stripe.vault.cards) == ("removed", {})
    kept = stage.rows("SELECT payer, token, gateway_session FROM payment_method")
    assert [tuple(row) for row in kept] == [(None, None, None)]
    assert remove(stage, method).status_code == 409


@pytest.mark.parametrize("erased", [False, True])
def test_a_card_that_is_stored_while_its_row_is_removed_is_forgotten_too(
    till: Till, stage: Stage, stripe: FakeStripe, erased: bool
) -> None:
    customer = stage.customer()
    method = till.store(customer)
    stripe.vault.store(stripe, method["redirect_url"])
    row = stage.rows("SELECT * FROM payment_method")[0]
    gateway = Gateways(till.settings.gateways, till.database, till.settings.secret_key)["stripe"]
    if erased:
        stage.erase(customer)
        till.work()
        stripe.vault.customers[row.payer], stripe.vault.cards["pm_late"] = {}, row.payer
        stripe.vault.sessions[row.gateway_session]["customer"] = row.payer
    else:
        assert remove(stage, method).status_code == 200

    enrolling.check(till.database, gateway, row, till.settings)
    till.work()

    assert stripe.vault.cards == {}


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_a35_an_erased_customers_methods_go_here_and_at_the_gateways(
    till: Till, stage: Stage, stripe: FakeStripe, bkash: FakeBkash, mode: str
) -> None:
    customer = stage.customer()
    wallet = till.store(customer, "bkash", return_url="https://portal.example.net/karim.ahmed")
    bkash.pay(wallet["redirect_url"])
    assert till.stage.client.get(f"/v1/payment-methods/{wallet['id']}/return").status_code == 303
    card = till.store(customer)
    stripe.vault.store(stripe, card["redirect_url"])
    till.stored(card)
    till.work()
    (number,) = stripe.vault.cards
    reference = stage.rows("SELECT reference FROM payment_method WHERE state = 'active'")[0][0]
    words = (number, "visa 4242", "karim.ahmed", reference)
    assert {place.partition(".")[0] for place in traces(stage, *words)} >= {"payment_method"}

    stage.erase(customer, mode)
    left = traces(stage, "visa 4242", "karim.ahmed", reference)
    till.work()

    assert left == traces(stage, *words) == set()
    assert (stripe.vault.cards, bkash.agreements) == ({}, set())
    assert stage.rows("SELECT 1 FROM payment_method") == []
    (told,) = stage.rows("SELECT data->'rows' FROM outbox WHERE type = 'erasure.receipt'")
    assert told[0]["payment_method"] == 2


def test_methods_are_of_a_branch_and_of_a_gateway_that_keeps_them(till: Till, stage: Stage) -> None:
    customer = stage.customer(path=NORTH)
    method = till.store(customer)
    place = f"/v1/payment-methods/{method['id']}"
    assert stage.get(place, SOUTH, "reseller").status_code == 404
    assert remove(stage, method, path=SOUTH, role="reseller").status_code == 404
    body: Any = stage.get("/v1/payment-methods", SOUTH, "reseller").json
    assert body["items"] == []
    mine: Any = stage.get("/v1/payment-methods", NORTH, "reseller", customer_id=customer).json
    assert [one["id"] for one in mine["items"]] == [method["id"]]
    elsewhere = stage.post(
        f"/v1/customers/{customer}/payment-methods", {"gateway": "stripe"}, SOUTH, "reseller"
    )
    assert elsewhere.status_code == 404
    none: Any = stage.post(f"/v1/customers/{customer}/payment-methods", {"gateway": "nagad"})
    assert (none.status_code, none.json["errors"][0]["pointer"]) == (422, "/gateway")
    dollars = stage.customer("Anna", currency="USD")
    wrong: Any = stage.post(f"/v1/customers/{dollars}/payment-methods", {"gateway": "bkash"})
    assert (wrong.status_code, wrong.json["errors"][0]["code"]) == (422, "currency")


def test_a_method_moves_with_its_customer(till: Till, stage: Stage) -> None:
    customer = stage.customer(path=NORTH)
    method = till.store(customer)
    stage.update(customer, operator_path=SOUTH)
    assert stage.get(f"/v1/payment-methods/{method['id']}", SOUTH, "reseller").status_code == 200
    assert UUID(method["customer_id"]) == customer
