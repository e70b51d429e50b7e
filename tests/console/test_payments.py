"""One payment and one bill: the receipt that prints, voiding and refunding with a reason."""

from __future__ import annotations

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script
from tests.console.test_pages import ID, JOB

TAKA = {"amount": "500.00", "currency": "BDT"}
PAYMENT = {"id": ID, "customer_id": JOB, "customer_name": "Rahima Begum", "amount": TAKA,
           "status": "recorded", "gateway": None, "note": None, "settled_at": None}  # fmt: skip
RECEIPT = {"number": "R-N-2026-000001", "verification_code": "ABCD", "customer_name": "Rahima Begum",
           "customer_number": "C100", "username": "rahima", "amount": TAKA, "refunded": TAKA,
           "method": "cash", "paid_at": None, "received_by": "Ada", "transaction_reference": None,
           "allocations": [{"bill_id": JOB, "bill_number": "B-7", "amount": TAKA}]}  # fmt: skip
BILL = {"id": JOB, "number": "B-7", "status": "overdue", "customer_id": ID, "customer_name": "Rahima",
        "username": "rahima", "issued_at": None, "due_at": None, "total": TAKA, "paid": TAKA,
        "items": [{"description": "Home 20", "quantity": 1, "tax": TAKA, "tax_percent": "5",
                   "amount": TAKA}]}  # fmt: skip


@pytest.fixture(autouse=True)
def books(script: Script) -> None:
    script.says("GET", f"/v1/payments/{ID}", PAYMENT)
    script.says("GET", f"/v1/payments/{ID}/receipt", RECEIPT)
    script.says("GET", f"/v1/bills/{JOB}", BILL)


def test_the_list_is_shown_when_its_sums_take_too_long(browser: Browser, script: Script) -> None:
    script.lists("/v1/payments", PAYMENT | {"recorded_at": None})
    script.lists("/v1/operators")
    script.refuses("GET", "/v1/payments/totals", 422, "invalid", detail="q: too many")
    page = browser.get("/payments?q=rahim")
    assert page.status_code == 200
    assert "Rahima Begum" in page.get_data(as_text=True)


def test_few_operators_are_offered_and_of_many_one_is_searched_e14(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/payments", PAYMENT | {"recorded_at": None})
    script.says("GET", "/v1/payments/totals", {"items": []})
    north = {"id": ID, "name": "North"}
    script.lists("/v1/operators", north)
    few = browser.get("/payments").get_data(as_text=True)
    assert f'<option value="{ID}">North</option>' in few and "Operator's name" not in few

    script.says("GET", "/v1/operators", {"items": [north], "next_cursor": "more"})
    assert "Operator&#39;s name" in browser.get("/payments").get_data(as_text=True)
    found = browser.get("/payments?operator=nor&method=cash")
    assert found.headers["Location"] == f"/payments?operator=nor&method=cash&operator_id={ID}"
    assert script.sent("GET", "/v1/operators")[-1]["q"] == "nor"

    script.lists("/v1/operators", north, {"id": JOB, "name": "North East"})
    several = browser.get("/payments?operator=nor").get_data(as_text=True)
    assert "2 operators fit" in several and "North East" in several
    script.lists("/v1/operators")
    assert "No operator fits" in browser.get("/payments?operator=nor").get_data(as_text=True)
    script.says("GET", f"/v1/operators/{ID}", north)
    chosen = browser.get(f"/payments?operator=x&operator_id={ID}").get_data(as_text=True)
    assert f'<option value="{ID}" selected>North</option>' in chosen


def test_a_file_has_the_order_in_which_the_list_is_shown_e23(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/payments", PAYMENT | {"recorded_at": None})
    script.says("GET", "/v1/payments/totals", {"items": []})
    script.lists("/v1/operators")
    page = browser.get("/payments?sort=-amount").get_data(as_text=True)
    assert 'action="/payments/export?sort=-amount"' in page
    assert 'action="/payments/export?sort=-recorded_at"' in browser.get("/payments").get_data(
        as_text=True
    )
    script.says("POST", "/v1/exports", {"export_id": ID}, 202)
    browser.send("/payments/export?sort=-amount&method=cash", format="csv")
    (sent,) = script.sent("POST", "/v1/exports")
    assert (sent["sort"], sent["filter"]) == ("-amount", {"method": "cash"})


def test_a_payment_shows_its_receipt_and_the_bills_that_it_paid(browser: Browser) -> None:
    text = browser.get(f"/payments/{ID}").get_data(as_text=True)
    assert "R-N-2026-000001" in text and "ABCD" in text
    assert f'href="/bills/{JOB}">B-7</a>' in text


def test_a_payment_is_refunded_in_part_and_without_a_gateway_none_is_asked_for(
    browser: Browser, script: Script
) -> None:
    form = browser.get(f"/payments/{ID}/refund").get_data(as_text=True)
    assert "through_gateway" not in form and 'value="BDT"' in form
    script.says("POST", f"/v1/payments/{ID}/refund", PAYMENT)
    browser.send(f"/payments/{ID}/refund", amount="100", amount_currency="BDT", reason="moved away")
    assert script.sent("POST", f"/v1/payments/{ID}/refund") == [
        {"amount": {"amount": "100", "currency": "BDT"}, "reason": "moved away"}
    ]


def test_a_refund_through_the_gateway_is_ticked_and_can_be_unticked(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/payments/{ID}", PAYMENT | {"gateway": "bkash"})
    assert "Through bKash" in browser.get(f"/payments/{ID}/refund").get_data(as_text=True)
    script.says("POST", f"/v1/payments/{ID}/refund", PAYMENT)
    browser.send(f"/payments/{ID}/refund", reason="moved away")
    (sent,) = script.sent("POST", f"/v1/payments/{ID}/refund")
    assert sent == {"reason": "moved away", "through_gateway": False}


def test_a_bill_shows_its_items_and_is_voided_with_a_reason(
    browser: Browser, script: Script
) -> None:
    text = browser.get(f"/bills/{JOB}").get_data(as_text=True)
    assert "Home 20" in text and "Overdue" in text
    script.says("POST", f"/v1/bills/{JOB}/void", BILL)
    done = browser.send(f"/bills/{JOB}/void", reason="twice")
    assert done.headers["Location"] == f"/bills/{JOB}"
    assert script.sent("POST", f"/v1/bills/{JOB}/void") == [{"reason": "twice"}]


def test_who_may_not_void_is_not_offered_it(stranger: Browser, script: Script) -> None:
    script.says("GET", "/v1/me", OPERATOR | {"permissions": ["payments.read", "bills.read"]})
    stranger.sign_in()
    for place in (f"/payments/{ID}", f"/bills/{JOB}"):
        text = stranger.get(place).get_data(as_text=True)
        assert "/void" not in text and "/refund" not in text
