"""The account of one customer: its lines lead to what they come from; a red check says what to do."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, JOB, PERSON

TAKA = {"amount": "500.00", "currency": "BDT"}


def test_e27_the_statement_leads_from_each_line_to_its_bill_or_payment(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    line = {"id": "1", "at": None, "method": None, "number": "B-7", "amount": TAKA, "balance": TAKA}
    script.lists(
        f"/v1/customers/{ID}/statement",
        line | {"kind": "bill", "bill_id": JOB, "payment_id": None},
        line | {"kind": "payment", "bill_id": None, "payment_id": ID},
        line | {"kind": "adjustment", "bill_id": None, "payment_id": None},
    )
    text = browser.get(f"/customers/{ID}/statement").get_data(as_text=True)
    assert f'href="/bills/{JOB}"' in text and f'href="/payments/{ID}"' in text
    assert f'href="/customers/{ID}/write-off"' in text


def test_an_adjustment_and_a_write_off_are_booked_with_their_reason(
    browser: Browser, script: Script
) -> None:
    script.says("GET", "/v1/settings", {"default_currency": "BDT"})
    browser.get(f"/customers/{ID}/adjust")
    script.says("POST", f"/v1/customers/{ID}/adjustments", {"number": "CN-1"}, 201)
    script.says("POST", f"/v1/customers/{ID}/write-offs", {"number": "CN-2"}, 201)
    browser.send(f"/customers/{ID}/adjust", direction="credit", amount="10", amount_currency="BDT",
                 reason="outage")  # fmt: skip
    browser.send(f"/customers/{ID}/write-off", amount="", amount_currency="BDT", reason="moved")
    assert script.sent("POST", f"/v1/customers/{ID}/adjustments") == [
        {"direction": "credit", "amount": {"amount": "10", "currency": "BDT"}, "reason": "outage"}
    ]
    assert script.sent("POST", f"/v1/customers/{ID}/write-offs") == [{"reason": "moved"}]


def test_b17_a_red_check_after_a_restore_stands_on_the_profile_with_what_to_do(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    place = f"/v1/customers/{ID}/integrity"
    checks = {"accounts_kept": True, "books_balance_unchanged": False}
    script.says("GET", place, {"intact": False, "checks": checks})
    text = browser.get(f"/customers/{ID}").get_data(as_text=True)
    assert "no package can be activated" in text and "Books balance unchanged" in text
    assert "Accounts kept" not in text and "delete and restore the customer once more" in text
    script.says("GET", place, {"intact": True, "checks": checks})
    assert "no package can be" not in browser.get(f"/customers/{ID}").get_data(as_text=True)
