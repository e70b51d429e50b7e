"""Webhooks out: secrets shown once, pings, and sending again what was given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, JOB

PLACE = f"/v1/webhook-endpoints/{ID}"
HOOK: dict[str, object] = {"id": ID, "url": "https://crm.example.org/in", "description": "", "types": [],
        "state": "disabled", "failing_since": None, "previous_until": None}  # fmt: skip


@pytest.fixture(autouse=True)
def hook(script: Script) -> None:
    script.says("GET", PLACE, HOOK, ETag='"4"')
    script.lists(f"{PLACE}/deliveries", {"id": JOB, "type": "bill.paid", "state": "dead",
                                         "last_error": "timed out", "attempts": 10})  # fmt: skip


def test_the_secret_of_a_webhook_is_shown_once_and_kept_nowhere(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/webhook-endpoints", HOOK | {"secret": "whsec_abc"}, 201)
    shown = browser.send("/webhooks/new", url=str(HOOK["url"]), types=["bill.paid"])
    assert "whsec_abc" in shown.get_data(as_text=True)
    assert "whsec_abc" not in browser.get(f"/webhooks/{ID}").get_data(as_text=True)
    assert script.sent("POST", "/v1/webhook-endpoints") == [
        {"url": HOOK["url"], "types": ["bill.paid"]}
    ]


def test_a_webhook_that_is_off_says_what_to_do_and_is_woken(
    browser: Browser, script: Script
) -> None:
    text = browser.get(f"/webhooks/{ID}").get_data(as_text=True)
    assert "send a ping, wake it, and send again" in text and "timed out" in text
    script.says("PATCH", PLACE, HOOK)
    browser.send(f"/webhooks/{ID}/wake", etag='"4"')
    assert script.sent("PATCH", PLACE) == [{"active": True}]


def test_a_ping_that_does_not_arrive_says_why(browser: Browser, script: Script) -> None:
    script.says("POST", f"{PLACE}/ping", {"delivered": False, "status": None, "error": "refused"})
    browser.send(f"/webhooks/{ID}/ping")
    text = browser.get(f"/webhooks/{ID}").get_data(as_text=True)
    assert "The ping did not arrive." in text and "refused" in text


def test_what_was_given_up_is_sent_again_all_of_it_or_one(browser: Browser, script: Script) -> None:
    script.says("POST", f"{PLACE}/replay", {"replayed": 7})
    browser.send(f"/webhooks/{ID}/again")
    assert "7 are sent again" in browser.get(f"/webhooks/{ID}").get_data(as_text=True)
    browser.send(f"/webhooks/{ID}/again?of={JOB}")
    whole, one = script.sent("POST", f"{PLACE}/replay")
    assert whole["states"] == ["dead"]
    since = datetime.now(UTC) - datetime.fromisoformat(whole["from"])
    assert timedelta(days=29) < since < timedelta(days=31)
    assert one == {"ids": [JOB], "states": ["dead", "delivered"]}
