"""Forms about what is there: nobody's change is overwritten unseen, and nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import DELETED, ID

CLASS = "00000000-0000-7000-8000-000000000001"
PLACE = f"/v1/customer-classes/{CLASS}"
RULES: dict[str, Any] = {
    "id": CLASS, "name": "standard", "overdue_effect": "suspend", "suspended_access": "walled",
    "limited_kbps": 512, "grace_days": 30, "termination_days": 30, "retry_limit": 3, "renews": True,
    "charge_while_suspended": True, "funds_suspend": False, "pay_as_you_go": False,
}  # fmt: skip
SITE: dict[str, Any] = {
    "deletion_blockers": ["open_accounts", "legal_hold"], "reserved_login_days": 0, "cooling_hours": 0,
    "portal_authentication_field": "login", "lift_suspension_days": 7, "erasure_approval": False,
    "lift_suspensions_a_quarter": 3,
    "purge_paused": False, "purge_limit": 10000, "default_currency": "BDT", "default_region": "BD",
    "time_zone": "Asia/Dhaka",
}  # fmt: skip


@pytest.fixture(autouse=True)
def there(script: Script) -> None:
    script.says("GET", PLACE, RULES, ETag='"4"')
    script.says("GET", "/v1/settings", SITE, ETag='"7"')


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None
    return found[1].replace("&#34;", '"')


def test_a_change_goes_with_the_etag_of_what_the_form_was_made_of(
    browser: Browser, script: Script
) -> None:
    etag = hidden(browser.get(f"/customer-classes/{CLASS}").get_data(as_text=True), "etag")
    assert etag == '"4"'
    script.says("GET", PLACE, RULES, ETag='"5"')
    script.says("PATCH", PLACE, RULES)
    done = browser.send(f"/customer-classes/{CLASS}", etag=etag, grace_days="14", renews="1")
    assert done.headers["Location"] == "/customer-classes"
    assert script.matches == ['"4"'], "not that of what is there when it is sent"
    (sent,) = script.sent("PATCH", PLACE)
    assert (sent["grace_days"], sent["renews"], sent["charge_while_suspended"]) == (14, True, False)


def test_who_was_overtaken_keeps_what_was_typed_and_sees_what_is_there_now(
    browser: Browser, script: Script
) -> None:
    script.says("GET", PLACE, RULES | {"grace_days": 21, "overdue_effect": "limit"}, ETag='"5"')
    script.refuses("PATCH", PLACE, 412, "stale")
    typed = {name: str(value) for name, value in RULES.items() if not isinstance(value, bool)}
    answer = browser.send(
        f"/customer-classes/{CLASS}", **typed | {"grace_days": "14", "etag": '"4"'}, renews="1",
        charge_while_suspended="1",
    )  # fmt: skip
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412 and "What you typed is kept" in text
    assert 'value="14"' in text and "There now: 21" in text and "There now: is slowed down" in text
    assert text.count("There now") == 2, "only what differs"
    assert hidden(text, "etag") == '"5"', "once more overwrites it, knowingly"


def test_a_refusal_keeps_the_etag_so_that_a_change_meanwhile_is_still_seen(
    browser: Browser, script: Script
) -> None:
    script.says("GET", PLACE, RULES, ETag='"5"')
    wrong = {"pointer": "/grace_days", "code": "invalid", "detail": "at least 1"}
    script.refuses("PATCH", PLACE, 422, "invalid", errors=[wrong])
    answer = browser.send(f"/customer-classes/{CLASS}", etag='"4"', grace_days="0")
    text = answer.get_data(as_text=True)
    assert hidden(text, "etag") == '"4"' and 'id="grace_days-fault">at least 1' in text
    assert "There now" not in text


def test_what_is_ticked_of_several_is_shown_kept_and_taken_away(
    browser: Browser, script: Script
) -> None:
    def ticked(text: str) -> list[str]:
        return re.findall(r'name="deletion_blockers" value="(\w+)" checked', text)

    assert ticked(browser.get("/settings").get_data(as_text=True)) == [
        "open_accounts",
        "legal_hold",
    ]
    script.refuses("PATCH", "/v1/settings", 412, "stale")
    answer = browser.send("/settings", etag='"6"', deletion_blockers=["open_balance"])
    text = answer.get_data(as_text=True)
    assert ticked(text) == ["open_balance"] and "There now: Open accounts, A legal hold" in text
    script.says("PATCH", "/v1/settings", SITE)
    browser.send("/settings", etag='"7"', purge_limit="500", purge_paused="1")
    sent = script.sent("PATCH", "/v1/settings")[-1]
    assert sent == {"deletion_blockers": [], "purge_limit": 500, "purge_paused": True,
                    "erasure_approval": False}  # fmt: skip


def test_d16_two_who_correct_the_same_record_see_one_another(
    browser: Browser, script: Script
) -> None:
    place = f"/v1/deleted-customers/{ID}"
    script.says("GET", place, DELETED | {"note": "moved"}, ETag='"8"')
    assert hidden(browser.get(f"/deleted-customers/{ID}").text, "etag") == '"8"'
    script.refuses("PATCH", place, 412, "stale")
    typed = {"name": "Rahima Begum", "email": "r@example.org", "phone": "", "note": "wrong one"}
    answer = browser.send(f"/deleted-customers/{ID}", etag='"7"', **typed)
    assert answer.status_code == 412 and "There now: moved" in answer.text
    assert answer.text.count("There now") == 1 and ">wrong one</textarea>" in answer.text
