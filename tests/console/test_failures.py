"""Each failure says what to do, and none shows a stack trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.settings import ConsoleSettings
from console.web import create_app
from local_site.ports import free_port
from tests.console.conftest import Browser
from tests.console.scripted_services import Script, ScriptedServices

ID = "01990000-0000-7000-8000-0000000000aa"
CUSTOMER = {"id": ID, "name": "Rahima Begum", "username": "rahima", "status": "active", "holds": [],
            "customer_number": "C1", "currency": "BDT", "balance_control": "prepaid"}  # fmt: skip


def test_a_service_that_is_gone_is_named(browser: Browser, services: ScriptedServices) -> None:
    services.stop()
    answer = browser.get("/customers")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "The customers service does not answer" in text and "Traceback" not in text


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_answer_that_is_no_json_counts_as_no_answer(
    browser: Browser, script: Script, status: int
) -> None:
    script.says("GET", "/v1/customers", "<h1>Bad Gateway</h1>", status)
    assert browser.get("/customers").status_code == 503


def test_a_part_of_the_profile_that_fails_takes_no_other_along(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", CUSTOMER)
    script.says("GET", f"/v1/customers/{ID}/balance", "", 502)
    script.lists("/v1/payments")
    answer = browser.get(f"/customers/{ID}")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Rahima Begum" in text and "payments does not answer" in text


def test_what_a_service_refuses_is_shown_in_its_own_words(browser: Browser, script: Script) -> None:
    script.refuses(
        "GET", "/v1/nas", 403, "forbidden", detail="This needs the permission nas.read.",
        request_id="abc123",
    )  # fmt: skip
    answer = browser.get("/network/nas")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "This needs the permission nas.read." in text and "abc123" in text


def test_a_filter_that_is_refused_leaves_the_page_and_the_filter_standing(
    browser: Browser, script: Script
) -> None:
    script.refuses("GET", "/v1/payments", 422, "invalid", detail="from: send 2026-11-21")
    answer = browser.get("/payments?from=yesterday")
    text = answer.get_data(as_text=True)
    assert "from: send 2026-11-21" in text and 'value="yesterday"' in text


def test_a_mistake_of_ours_gives_a_request_id_and_no_more(browser: Browser, script: Script) -> None:
    script.says("GET", "/v1/customers", {"surprise": True})
    answer = browser.get("/customers")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in text and "KeyError" not in text


def test_redis_that_is_away_is_told_and_readiness_says_so(settings: ConsoleSettings) -> None:
    gone = f"redis://127.0.0.1:{free_port()}/0"
    client = create_app(replace(settings, redis_url=gone)).test_client()
    client.set_cookie("tenure_session", "A" * 43)
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    answer = client.get("/customers")
    assert answer.status_code == 503 and "Redis does not answer" in answer.get_data(as_text=True)


def test_readiness_and_metrics_need_no_login(stranger: Browser) -> None:
    assert stranger.get("/readyz").get_json()["status"] == "ready"
    assert stranger.get("/metrics").content_type.startswith("text/plain")


def test_an_unknown_page_and_a_wrong_verb_are_pages_too(browser: Browser) -> None:
    assert "There is no such page" in browser.get("/nowhere").get_data(as_text=True)
    assert browser.get("/sign-out").status_code == 405
    assert browser.get("/jobs/nobody/" + ID).status_code == 404


def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    assert browser.send("/customers/delete", id=["x" * 300_000]).status_code == 413
