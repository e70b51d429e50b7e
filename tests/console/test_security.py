"""What keeps a foreign page, a stolen cookie and a hostile name out (B16, B17, B29, API8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from console.settings import ConsoleSettings
from console.web import create_app
from shared.addresses import networks, vouched
from tests.console.conftest import Browser
from tests.console.scripted_services import Script

ID = "01990000-0000-7000-8000-0000000000aa"


def unsafe_routes(app: Flask) -> list[str]:
    """Every address that takes a form."""
    found = []
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            values = {name: ID for name in rule.arguments} | {
                "service": "customers",
                "what": "cancel",
            }
            for what in ("cancel", "replay", "approve"):
                try:
                    url = rule.build({**values, "what": what})
                except ValueError:
                    continue
                if url:
                    found.append(url[1])
                    break
    return found


def test_a_form_without_csrf_token_is_refused_on_every_route_that_takes_one(
    app: Flask, browser: Browser, script: Script
) -> None:
    routes = unsafe_routes(app)
    assert len(routes) > 20
    before = len(script.heard)
    for route in routes:
        assert browser.post(route, data={"key": "a-key-of-mine"}).status_code == 403, route
    assert len(script.heard) == before


def test_the_token_of_another_browser_is_refused(app: Flask, browser: Browser) -> None:
    other = app.test_client()
    assert isinstance(other, Browser)
    other.get("/sign-in")
    assert other.csrf != browser.csrf
    assert browser.post("/sign-out", data={"csrf": other.csrf}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_b16_a_form_of_a_foreign_page_is_refused_even_with_the_token(
    browser: Browser, headers: dict[str, str]
) -> None:
    sent = browser.post("/sign-out", data={"csrf": browser.csrf}, headers=headers)
    assert sent.status_code == 403
    assert browser.get("/customers").status_code == 200


def test_b16_a_form_of_our_own_page_is_taken(browser: Browser) -> None:
    ours = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/sign-out", data={"csrf": browser.csrf}, headers=ours).status_code == 303


def test_b16_a_visit_never_writes_and_no_header_makes_it_a_form(
    app: Flask, browser: Browser, script: Script
) -> None:
    before = len(script.heard)
    for route in unsafe_routes(app):
        browser.get(route, headers={"X-HTTP-Method-Override": "POST"})
    assert {method for method, *_ in script.heard[before:]} <= {"GET"}


def test_b17_signing_in_changes_the_id_that_the_browser_brought(stranger: Browser) -> None:
    stranger.get("/sign-in")
    planted = stranger.get_cookie("tenure_session")
    stranger.send("/sign-in", username="admin", password="secret")
    own = stranger.get_cookie("tenure_session")
    assert planted is not None and own is not None
    assert own.value != planted.value
    stranger.set_cookie("tenure_session", planted.value)
    assert stranger.get("/customers").status_code == 302


def test_b17_a_stolen_cookie_is_worth_nothing_after_signing_out(
    app: Flask, browser: Browser
) -> None:
    cookie = browser.get_cookie("tenure_session")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("tenure_session", cookie.value)
    assert thief.get("/customers").status_code == 200
    browser.send("/sign-out")
    assert thief.get("/customers").headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "../../etc", "é" * 43, "A" * 3000])
def test_b17_a_tampered_cookie_is_a_stranger(stranger: Browser, cookie: str) -> None:
    stranger.set_cookie("tenure_session", cookie)
    assert stranger.get("/customers").status_code == 302


def test_the_cookie_is_out_of_reach_of_scripts_and_foreign_pages(stranger: Browser) -> None:
    cookie = stranger.get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie


def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(settings: ConsoleSettings) -> None:
    urls = {**settings.urls, "console": "https://console.isp.example"}
    response = create_app(replace(settings, urls=urls)).test_client().get("/sign-in")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tenure_session=") and "; Secure" in cookie
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("page", ["/sign-in", "/customers", "/nowhere", "/static/console.css"])
def test_api8_every_answer_forbids_what_the_console_does_not_need(
    browser: Browser, page: str
) -> None:
    with browser.get(page) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    if page != "/static/console.css":
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "x"]
)
def test_signing_in_never_leads_to_another_site(stranger: Browser, wanted: str) -> None:
    stranger.get("/sign-in")
    answer = stranger.send("/sign-in", username="admin", password="secret", next=wanted)
    assert answer.headers["Location"] == "/customers"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "javascript:alert(1)",
        "{{777*777}}",
    ],
)
def test_b29_a_hostile_name_is_shown_as_text(
    browser: Browser, script: Script, hostile: str
) -> None:
    person = {"id": ID, "name": hostile, "username": hostile, "package_name": hostile,
              "operator_name": hostile, "phone": hostile, "status": "active"}  # fmt: skip
    script.lists("/v1/customers", person)
    script.lists("/v1/deleted-customers", person)
    for page in ("/customers", "/deleted-customers", "/customers?q=" + hostile):
        text = browser.get(page).get_data(as_text=True)
        assert "<script>alert" not in text and "<img src=x" not in text and "603729" not in text
        assert 'href="javascript:' not in text


def test_the_services_are_told_whose_browser_it_is(
    app: Flask, browser: Browser, script: Script, settings: ConsoleSettings
) -> None:
    """B18, B21: from the peer, or from a trusted proxy; what a browser writes itself counts nothing."""
    browser.get("/customers", headers={"X-Forwarded-For": "203.0.113.1"})
    assert vouched(script.addresses[-1], settings.service_secret) == "127.0.0.1"

    proxied = create_app(replace(settings, trusted_proxies=networks("127.0.0.1")))
    proxied.test_client_class = Browser
    other = proxied.test_client()
    assert isinstance(other, Browser)
    other.get("/sign-in", headers={"X-Forwarded-For": "203.0.113.1"})
    other.post(
        "/sign-in", data={"csrf": other.csrf, "username": "a", "password": "b"},
        headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.1"},
    )  # fmt: skip
    assert vouched(script.addresses[-1], settings.service_secret) == "203.0.113.1"
