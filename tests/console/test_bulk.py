"""What is ticked in the list of customers is held or renewed, after it was said once more."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, JOB


def test_the_ticked_are_held_until_the_end_of_a_day_and_not_before_the_reason_is_said(
    browser: Browser, script: Script
) -> None:
    page = browser.send("/customers/hold", id=[ID, JOB]).get_data(as_text=True)
    assert "Hold 2 customers?" in page and page.count('name="id"') == 2
    assert script.sent("POST", "/v1/customers/holds") == []
    script.says("POST", "/v1/customers/holds", {"id": JOB}, 202)
    done = browser.send(
        "/customers/hold/confirmed", id=[ID, JOB], kind="vacation", reason="flood",
        until="2026-12-31",
    )  # fmt: skip
    assert done.headers["Location"] == f"/jobs/customers/{JOB}"
    assert script.sent("POST", "/v1/customers/holds") == [
        {"ids": [ID, JOB], "kind": "vacation", "reason": "flood",
         "until": "2027-01-01T00:00:00+06:00"}
    ]  # fmt: skip


def test_the_ticked_are_renewed_with_their_own_packages(browser: Browser, script: Script) -> None:
    script.lists("/v1/packages")
    assert "Renew 1 customer?" in browser.send("/customers/renew", id=[ID]).get_data(as_text=True)
    script.says("POST", "/v1/customers/activate", {"id": JOB}, 202)
    browser.send("/customers/renew/confirmed", id=[ID], package_id="")
    assert script.sent("POST", "/v1/customers/activate") == [{"ids": [ID], "renew": True}]


def test_a_refused_hold_comes_back_with_the_same_customers(
    browser: Browser, script: Script
) -> None:
    browser.send("/customers/hold", id=[ID])
    script.refuses("POST", "/v1/customers/holds", 422, "invalid", detail="Say a reason.")
    answer = browser.send("/customers/hold/confirmed", id=[ID], kind="fraud", reason=" ")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Say a reason." in text
    assert f'name="id" value="{ID}"' in text
    assert 'action="/customers/hold/confirmed"' in text


def test_nothing_ticked_leads_back_with_what_to_do(browser: Browser) -> None:
    assert browser.send("/customers/renew").headers["Location"] == "/customers"
    assert "Tick the customers first." in browser.get("/customers").get_data(as_text=True)
