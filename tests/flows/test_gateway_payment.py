"""From a payer's PIN at bKash to the internet, on real servers (C10, C18, E8-E11)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import requests

from tests.flows.front_end import CUSTOMERS, PAYMENTS, Json, new_key
from tests.flows.leftovers import places_that_name
from tests.flows.site import PATIENCE, Site
from tests.support.gateways.bkash import Checkout, FakeBkash
from tests.support.waiting import until

PASSWORD = "kotha-7-bolo"
SOON = PATIENCE


def test_c10_c18_who_pays_by_bkash_is_back_online_by_the_gateways_word_alone(
    site: Site, bkash: FakeBkash
) -> None:
    made = _overdue(site, "bkashpayer")
    checkout = _pays(site, bkash, made)

    told = time.monotonic()
    _deliver(site, bkash, checkout)
    until(lambda: _access(site, "bkashpayer") == "open", SOON, "the payer stays offline")
    site.until_accepted("bkashpayer", PASSWORD, SOON)
    print(f"gateway event to access open: {time.monotonic() - told:.2f} s")

    freed = site.ask("bkashpayer", PASSWORD).attributes
    assert "Mikrotik-Address-List" not in freed and freed["Mikrotik-Rate-Limit"]
    (payment,) = site.admin.get(PAYMENTS, f"/v1/payments?customer_id={made['id']}&method=bkash")[
        "items"
    ]
    assert (payment["operator_name"], payment["amount"]["amount"]) == ("bKash", "800.00")
    assert payment["transaction_reference"] == checkout.transaction
    until(
        lambda: site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}")["status"] == "active",
        SOON, "the customer stays suspended",
    )  # fmt: skip
    until(lambda: _speed(site)["online"] >= 1, SOON, "nobody says when the payer was online again")
    print(f"payment to internet: {_speed(site)}")
    assert 0 < _speed(site)["to_books"]["p50"] <= _speed(site)["to_internet"]["p99"] < SOON

    _is_erased(site, made, checkout)


def test_f2_a_killed_worker_loses_no_payment(site: Site, bkash: FakeBkash) -> None:
    made = site.admin.create_customer("killedpayer", PASSWORD)
    checkout = _pays(site, bkash, made)
    worker = site.roles["payments-worker"]
    bkash.gate.clear()
    asked = bkash.calls("payment/status")
    _deliver(site, bkash, checkout)
    until(lambda: bkash.calls("payment/status") > asked, SOON, "the worker asks bKash nothing")

    worker.kill()
    bkash.gate.set()
    worker.start()

    # The dead worker's lease lasts for a minute and a half.
    until(
        lambda: site.admin.balance(made["id"])["paid"]["amount"] == "800.00", 90 + PATIENCE,
        "the payment is lost",
    )  # fmt: skip
    found = site.admin.get(PAYMENTS, f"/v1/payments?customer_id={made['id']}")["items"]
    assert len(found) == 1


def _speed(site: Site) -> Json:
    """Of all gateways together."""
    found: Json = site.admin.get(PAYMENTS, "/v1/reports/payment-to-internet")["items"][0]
    return found


def _overdue(site: Site, username: str) -> Json:
    """A customer with a package and 800 overdue: walled."""
    package = site.admin.create_package("Home for payers")
    made = site.admin.create_customer(username, PASSWORD, package_id=package["id"])
    site.admin.activate(made["id"])
    until(
        lambda: site.admin.balance(made["id"])["billed"]["amount"] == "500.00", SOON, "not billed"
    )
    long_ago = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    site.admin.issue_bill(made["id"], "300.00", long_ago)
    until(lambda: _access(site, username) == "walled", SOON, "the debtor stays online")
    return made


def _access(site: Site, username: str) -> str:
    return str(site.admin.subscriber(username)["access"])


def _pays(site: Site, bkash: FakeBkash, made: Json) -> Checkout:
    """Sent to bKash by a front end; pays there, and closes the browser."""
    site.admin.wait_for_the_books(made["id"])
    body = {
        "customer_id": made["id"], "gateway": "bkash",
        "amount": {"amount": "800.00", "currency": "BDT"},
    }  # fmt: skip
    intent = site.admin.call(
        PAYMENTS, "POST", "/v1/payment-intents", body, Idempotency_Key=new_key("intent")
    )
    assert intent["state"] == "pending", intent
    checkout = bkash.pay(intent["redirect_url"])
    checkout.transaction = f"BKX{intent['reference'][-10:]}"
    return checkout


def _deliver(site: Site, bkash: FakeBkash, checkout: Checkout) -> None:
    headers, body = bkash.notification(checkout)
    place = f"{site.urls['payments']}/v1/webhooks/bkash"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(place, data=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text


def _is_erased(site: Site, made: Json, checkout: Checkout) -> None:
    """No trace of the payer is left at any place of the site (A35)."""
    site.admin.delete(made["id"])
    erasure = site.admin.erase(made)
    assert erasure["state"] == "done", erasure
    assert places_that_name(site, [str(checkout.transaction), "bkashpayer"]) == []
