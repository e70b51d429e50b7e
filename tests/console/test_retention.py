"""How long the deleted are kept, whom the purge takes, and an alarm that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

POLICY = {
    "reason": "test_account", "retain_days": 7, "sessions_days": 2, "billing_days": 3650,
    "mode": "pseudonymise", "updated_at": None,
}  # fmt: skip
FOUND: dict[str, Any] = {
    "items": [POLICY, POLICY | {"reason": "operator_error", "retain_days": None, "sessions_days": None,
                        "billing_days": None}],
    "overdue": False, "paused": False, "last_run_at": None, "last_run": None,
    "sessions_unanswered": 0, "billing_unanswered": 0,
}  # fmt: skip
PLACE = "/v1/retention-policies"


@pytest.fixture(autouse=True)
def policies(script: Script) -> None:
    script.says("GET", PLACE, FOUND, ETag='"3"')
    script.says("GET", f"{PLACE}/preview", {
        "would_erase": 1200, "would_erase_sessions": 3400, "would_erase_billing": 9, "items": [
            {"reason": "test_account", "operator_name": "North", "would_erase": 1200,
             "would_erase_sessions": 3400, "sessions_erased": 7}]})  # fmt: skip


def test_the_policies_say_whom_the_purge_takes_within_a_month(browser: Browser) -> None:
    text = browser.get("/retention").get_data(as_text=True)
    assert "<strong>1,200</strong>" in text and "Never erased" in text and "In time" in text
    assert "<strong>3,400</strong>" in text and "As long" in text
    assert "<strong>9</strong>" in text and "3650" in text and "For good" in text


def test_sessions_that_radius_sync_does_not_let_go_of_say_what_to_do(
    browser: Browser, script: Script
) -> None:
    script.says("GET", PLACE, FOUND | {"sessions_unanswered": 5})
    text = browser.get("/retention").get_data(as_text=True)
    assert "sessions of 5" in text and "see that its worker runs" in text
    script.says("GET", PLACE, FOUND | {"billing_unanswered": 6})
    assert "billing of 6" in browser.get("/retention").get_data(as_text=True)


def test_a_purge_that_is_late_says_what_to_do(browser: Browser, script: Script) -> None:
    script.says("GET", PLACE, FOUND | {"overdue": True})
    assert "see that a worker of customers runs" in browser.get("/retention").get_data(as_text=True)


def test_a_reason_is_kept_longer_or_for_good(browser: Browser, script: Script) -> None:
    assert 'value="7"' in browser.get("/retention/test_account").get_data(as_text=True)
    script.says("PUT", PLACE, FOUND)
    browser.send("/retention/test_account", retain_days="30", sessions_days="0", mode="everything")
    browser.send("/retention/test_account", retain_days="", mode="pseudonymise")
    assert [sent["items"] for sent in script.sent("PUT", PLACE)] == [
        [{"reason": "test_account", "retain_days": 30, "sessions_days": 0, "billing_days": None,
          "mode": "everything"}],
        [{"reason": "test_account", "retain_days": None, "sessions_days": None, "billing_days": None,
          "mode": "pseudonymise"}],
    ]  # fmt: skip
    assert browser.get("/retention/of_whatever").status_code == 404


def test_what_is_wrong_with_a_policy_is_said_beside_its_field(
    browser: Browser, script: Script
) -> None:
    wrong = {
        "pointer": "/items/0/sessions_days", "code": "longer_than_person",
        "detail": "sessions are never kept longer than the person, 7 days here",
    }  # fmt: skip
    script.refuses("PUT", PLACE, 422, "invalid", errors=[wrong])
    answer = browser.send("/retention/test_account", retain_days="7", sessions_days="9")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'id="sessions_days-fault"' in text
    assert "never kept longer than the person, 7 days here" in text and 'value="9"' in text


def test_whoever_was_overtaken_sees_the_policy_that_stands_there_now(
    browser: Browser, script: Script
) -> None:
    script.refuses("PUT", PLACE, 412, "stale")
    answer = browser.send(
        "/retention/test_account", etag='"2"', retain_days="30", sessions_days="2"
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412 and 'value="30"' in text and "There now: 7" in text
    assert 'name="etag" value="&#34;3&#34;"' in text, "sending once more overwrites it knowingly"
