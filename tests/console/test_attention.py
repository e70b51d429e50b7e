"""The page of what needs somebody: each failure with what to do, none twice, none that slows the page."""

from __future__ import annotations

import re

import pytest

from console.attention.measuring import age
from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script

ID = "01990000-0000-7000-8000-0000000000aa"
WELL = """# HELP tenure_workers Workers
tenure_workers{service="customers"} 1.0
tenure_worker_idle_seconds{service="customers"} 2.0
tenure_outbox_oldest_age_seconds{service="customers"} 0.4
tenure_dead_letters{service="customers"} 0.0
tenure_time_zone{of="environment",service="customers",zone="Asia/Dhaka"} 1.0
tenure_tick_age_seconds{service="customers",work="customers.purge"} 80000
tenure_storm{state="pacing"} 0.0
tenure_orders_oldest_age_seconds 12
"""
LISTS = ("/v1/targets", "/v1/nas", "/v1/reconciliations", "/v1/webhook-endpoints", "/v1/jobs",
         "/v1/gateway-refunds", "/v1/webhook-deliveries", "/v1/payment-reviews",
         "/v1/statement-lines", "/v1/cash-hand-overs", "/v1/erasures")  # fmt: skip


PURGED = {"overdue": False, "sessions_unanswered": 0, "billing_unanswered": 0}


@pytest.fixture
def well(script: Script) -> Script:
    """Services that have nothing to complain of."""
    script.says("GET", "/metrics", WELL)
    for path in LISTS:
        script.lists(path, total=0)
    script.says("GET", "/v1/retention-policies", PURGED)
    script.says("GET", "/v1/reports/ledger-proof", {"differences": 0})
    return script


def findings(browser: Browser) -> list[str]:
    text = browser.get("/attention").get_data(as_text=True)
    return re.findall(r"<strong>([^<]+)</strong>", text)


def test_nothing_is_found_where_all_is_well(browser: Browser, well: Script) -> None:
    assert findings(browser) == []
    assert "All is well" in browser.get("/attention").get_data(as_text=True)


@pytest.mark.parametrize(
    ("said", "found", "advised", "place"),
    [
        ('tenure_workers{service="customers"} 0', "No worker of customers lives.", "Start", ""),
        ('tenure_dead_letters{service="payments"} 3', "3 events could not be taken by customers.",
         "replay", "/network/dead-letters?service=customers"),
        ('tenure_outbox_oldest_age_seconds{service="x"} 700', "have waited 12 min", "relay", ""),
        ('tenure_worker_idle_seconds{service="x"} 14', "taken no message for 14 s", "log", ""),
        ('tenure_storm{state="stopped"} 1', "stopped by an operator", "pace", "/network/storm"),
        ('tenure_nas{state="silent"} 2', "2 NASes do not answer", "Test", "/network/nas"),
        ('tenure_radius_answering{target="south"} 0', "RADIUS server south", "UDP", "/targets"),
        ('tenure_tick_age_seconds{service="x",work="reconcile"} 500', "reconcile", "beat", ""),
        ('tenure_time_zone{of="settings",service="customers",zone="Asia/Kathmandu"} 1',
         "Days of customers (settings) begin in Asia/Kathmandu, those of these pages in Asia/Dhaka",
         "TENURE_TIME_ZONE", ""),
        ('tenure_time_zone{of="calendar",service="customers",zone="Asia/Kathmandu"} 1',
         "(calendar) begin in Asia/Kathmandu", "again", "/dunning/days-off/edit"),
        ("tenure_erasures_held_back 2", "2 erasures get no certificate", "where", "/erasures"),
        ("tenure_chain_heads_broken 1", "a log was rewritten", "Verify", "/operations"),
    ],
)  # fmt: skip
def test_each_alarm_of_the_metrics_says_what_to_do_and_where(
    browser: Browser, well: Script, said: str, found: str, advised: str, place: str
) -> None:
    said = said.replace('service="x"', 'service="customers"').replace("payments", "customers")
    well.says("GET", "/metrics", said + "\n")
    text = browser.get("/attention").get_data(as_text=True)
    assert found in text and advised in text and f'{place}"' in text


def test_a_service_that_does_not_answer_is_said_once_and_asked_no_more(
    browser: Browser, well: Script
) -> None:
    well.says("GET", "/metrics", "away", 502)
    asked = len(well.heard)
    assert findings(browser) == [
        f"{name} does not answer." for name in ("customers", "payments", "radius-sync")
    ]
    assert [path for _, path, _, _ in well.heard[asked:]] == ["/metrics"] * 3


def test_what_should_be_gone_and_is_not_known_to_be_is_said_a41(
    browser: Browser, well: Script
) -> None:
    late = {"sessions_unanswered": 1200, "billing_unanswered": 1}
    well.says("GET", "/v1/retention-policies", PURGED | late)
    assert findings(browser) == [
        "The sessions of 1,200 customers should be gone for a day, and radius-sync has not said so.",
        "The billing of a customer should be gone for a day, and payments has not said so.",
    ]


def test_the_worst_stands_first_and_what_waits_for_a_person_last(
    browser: Browser, well: Script
) -> None:
    well.lists("/v1/payment-reviews", total=2)
    well.lists("/v1/webhook-deliveries", total=1)
    well.lists("/v1/targets", {"name": "south", "health": "away", "error": "connection refused"})
    assert findings(browser) == [
        "The database of the RADIUS server south fails: connection refused",
        "A gateway&#39;s notification could not be worked on.",
        "2 payments wait for a decision.",
    ]


def test_a_nas_whose_list_does_not_come_is_said_with_the_reason(
    browser: Browser, well: Script
) -> None:
    well.lists("/v1/nas", {"id": ID, "name": "edge", "sessions_error": "no answer in 10 s."})
    text = browser.get("/attention").get_data(as_text=True)
    assert "The list of sessions of NAS edge does not come." in text
    assert "no answer in 10 s." in text


def test_a_webhook_that_was_switched_off_leads_to_its_deliveries(
    browser: Browser, well: Script
) -> None:
    hook = {"id": ID, "url": "https://crm.example.org/in", "failing_since": None}
    well.lists("/v1/webhook-endpoints", hook | {"state": "disabled"})
    text = browser.get("/attention").get_data(as_text=True)
    assert "took nothing for five days" in text and f'href="/webhooks/{ID}"' in text


def test_a_reseller_is_not_asked_for_what_only_others_may_see(
    stranger: Browser, well: Script
) -> None:
    well.says("GET", "/v1/me", OPERATOR | {"permissions": ["payment_reviews.read"]})
    well.lists("/v1/payment-reviews", total=1)
    stranger.sign_in()
    asked = len(well.heard)
    assert findings(stranger) == ["A payment waits for a decision."]
    assert {path for _, path, _, _ in well.heard[asked:]} == {"/v1/payment-reviews"}


def test_ages_are_told_in_the_unit_that_a_person_would_use() -> None:
    assert [age(s) for s in (14, 700, 9000, 500_000)] == ["14 s", "12 min", "2 h", "6 days"]
