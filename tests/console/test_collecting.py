"""Gateways, statements, cash, cards, dunning: what the pages send, and what they offer to whom."""

from __future__ import annotations

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script
from tests.console.test_pages import ID, JOB, PERSON

TAKA = {"amount": "500.00", "currency": "BDT"}
REVIEW = {"id": ID, "state": "open", "gateway": "bkash", "transaction_reference": "TX9", "amount": TAKA,
          "expected": None, "customer_id": None, "customer_name": None, "username": None,
          "cause": "unknown_intent", "what_to_do": "Find whose it is.", "opened_at": None,
          "decision_reason": None}  # fmt: skip


@pytest.fixture(autouse=True)
def currency(script: Script) -> None:
    script.says("GET", "/v1/settings", {"default_currency": "BDT"})


def test_money_that_does_not_fit_shows_what_to_do_and_is_decided_with_a_reason(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/payment-reviews", REVIEW)
    script.says("GET", f"/v1/payment-reviews/{ID}", REVIEW)
    text = browser.get("/gateways/reviews").get_data(as_text=True)
    assert "Find whose it is." in text and f'href="/gateways/reviews/{ID}/approve"' in text
    form = browser.get(f"/gateways/reviews/{ID}/approve").get_data(as_text=True)
    assert "500.00 BDT of nobody known" in form and 'name="customer_id"' in form
    script.says("POST", f"/v1/payment-reviews/{ID}/approve", REVIEW)
    done = browser.send(f"/gateways/reviews/{ID}/approve", customer_id=JOB, reason="his receipt")
    assert done.headers["Location"] == "/gateways/reviews?state=open"
    assert script.sent("POST", f"/v1/payment-reviews/{ID}/approve") == [
        {"customer_id": JOB, "reason": "his receipt"}
    ]


def test_a_decision_that_is_refused_comes_back_with_what_was_typed(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/payment-reviews/{ID}", REVIEW)
    script.refuses(
        "POST", f"/v1/payment-reviews/{ID}/reject", 422, "invalid",
        errors=[{"pointer": "/reason", "code": "too_short", "detail": "Say more."}],
    )  # fmt: skip
    answer = browser.send(f"/gateways/reviews/{ID}/reject", reason="no", give_back="1")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Say more." in text
    assert 'value="no"' in text and "checked" in text
    assert script.sent("POST", f"/v1/payment-reviews/{ID}/reject") == [
        {"reason": "no", "give_back": True}
    ]


def test_a_notification_that_failed_is_worked_on_again(browser: Browser, script: Script) -> None:
    told = {"id": ID, "gateway": "nagad", "state": "failed", "outcome": "customer unknown"}
    script.lists("/v1/webhook-deliveries", told, told | {"id": JOB, "state": "processed"})
    script.says("POST", f"/v1/webhook-deliveries/{ID}/replay", told, 202)
    text = browser.get("/gateways/notifications").get_data(as_text=True)
    assert "customer unknown" in text
    assert f'action="/gateways/notifications/{ID}/replay"' in text
    assert f'action="/gateways/notifications/{JOB}/replay"' not in text
    browser.send(f"/gateways/notifications/{ID}/replay")
    assert len(script.sent("POST", f"/v1/webhook-deliveries/{ID}/replay")) == 1


def test_a_statement_line_without_a_payment_says_what_to_do(
    browser: Browser, script: Script
) -> None:
    line = {"id": ID, "state": "open", "exception": "ambiguous", "amount": TAKA, "source": "bank",
            "reference": "R1", "description": None, "booked_on": "2026-11-20"}  # fmt: skip
    script.lists("/v1/statement-lines", line)
    text = browser.get("/statements/lines").get_data(as_text=True)
    assert "Several payments fit: match it with the right one." in text
    script.says("POST", f"/v1/statement-lines/{ID}/match", line)
    browser.send(f"/statements/lines/{ID}/match", payment_id=JOB)
    assert script.sent("POST", f"/v1/statement-lines/{ID}/match") == [{"payment_id": JOB}]


def test_cash_is_accepted_by_who_was_given_it_and_by_nobody_else(
    browser: Browser, script: Script
) -> None:
    mine = {
        "id": ID,
        "state": "pending",
        "taker_id": OPERATOR["id"],
        "giver_id": JOB,
        "amount": TAKA,
    }
    script.lists("/v1/cash-hand-overs", mine, mine | {"id": JOB, "taker_id": ID})
    text = browser.get("/cash/hand-overs").get_data(as_text=True)
    assert f'action="/cash/hand-overs/{ID}/accept"' in text
    assert f'action="/cash/hand-overs/{JOB}/accept"' not in text
    assert "/cancel" not in text


def test_a_shift_opens_with_what_was_counted(browser: Browser, script: Script) -> None:
    assert 'value="BDT"' in browser.get("/cash/shifts/new").get_data(as_text=True)
    script.says("POST", "/v1/cash-shifts", {"id": ID}, 201)
    browser.send("/cash/shifts/new", counted=" 1200.50 ", counted_currency="bdt")
    assert script.sent("POST", "/v1/cash-shifts") == [
        {"counted": {"amount": "1200.50", "currency": "BDT"}}
    ]


def test_cards_are_made_until_the_end_of_their_last_day(browser: Browser, script: Script) -> None:
    browser.get("/recharge-cards/new")
    script.says("POST", "/v1/recharge-cards", {"id": JOB}, 202)
    done = browser.send(
        "/recharge-cards/new", count="100", value="50", value_currency="BDT", passphrase=" pass ",
        expires_at="2026-12-31",
    )  # fmt: skip
    assert done.headers["Location"] == f"/jobs/payments/{JOB}"
    assert script.sent("POST", "/v1/recharge-cards") == [
        {"count": 100, "value": {"amount": "50", "currency": "BDT"}, "passphrase": " pass ",
         "expires_at": "2027-01-01T00:00:00+06:00"}
    ]  # fmt: skip


def test_a_part_of_a_batch_is_blocked_with_a_reason(browser: Browser, script: Script) -> None:
    batch = {"id": ID, "first_serial": "A1", "last_serial": "A9"}
    script.says("GET", f"/v1/recharge-cards/batches/{ID}", batch)
    script.says("POST", "/v1/recharge-cards/block", {"id": JOB}, 202)
    browser.send(f"/recharge-cards/batches/{ID}/block", first_serial="A3", reason="stolen")
    assert script.sent("POST", "/v1/recharge-cards/block") == [
        {"batch_id": ID, "first_serial": "A3", "reason": "stolen"}
    ]


def test_the_file_of_pins_goes_when_the_operator_says_that_it_arrived(
    browser: Browser, script: Script
) -> None:
    batch = {"id": ID, "first_serial": "A1", "last_serial": "A9", "sha256": "ab" * 32,
             "url": f"/v1/recharge-cards/batches/{ID}/file"}  # fmt: skip
    script.says("GET", f"/v1/recharge-cards/batches/{ID}", batch)
    script.says("POST", f"/v1/recharge-cards/batches/{ID}/file/confirm", batch | {"url": None})
    browser.get(f"/recharge-cards/batches/{ID}/file/arrived")
    browser.send(f"/recharge-cards/batches/{ID}/file/arrived")
    sent = script.sent("POST", f"/v1/recharge-cards/batches/{ID}/file/confirm")
    assert sent == [{"sha256": "ab" * 32}]


def test_a_promise_to_pay_is_taken_from_the_profile(browser: Browser, script: Script) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    assert f'href="/customers/{ID}/promises/new"' in browser.get(f"/customers/{ID}").get_data(
        as_text=True
    )
    script.says("POST", f"/v1/customers/{ID}/promises", {"id": JOB}, 201)
    browser.send(f"/customers/{ID}/promises/new", until="2026-12-01", amount_currency="BDT")
    assert script.sent("POST", f"/v1/customers/{ID}/promises") == [{"until": "2026-12-01"}]
