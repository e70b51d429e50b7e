"""What is registered by hand: NASes, operators, packages."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script
from tests.console.test_pages import ID

NAS = {"id": ID, "name": "edge", "address": "10.0.0.1", "vendor": "mikrotik", "coa_port": 3799,
       "strategy": "coa_then_disconnect", "in_flight": 32, "rate_policy": None}  # fmt: skip


def test_a_nas_is_added_with_its_secret_and_changed_without_it(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/nas", NAS, 201)
    browser.get("/network/nas/new")
    browser.send(
        "/network/nas/new", name="edge", address="10.0.0.1", secret="0123456789abcdef",
        vendor="mikrotik", strategy="coa_then_disconnect", coa_port="3799",
    )  # fmt: skip
    (sent,) = script.sent("POST", "/v1/nas")
    assert (sent["secret"], sent["coa_port"]) == ("0123456789abcdef", 3799)
    script.says("GET", f"/v1/nas/{ID}", NAS, ETag='"2"')
    script.says("PATCH", f"/v1/nas/{ID}", NAS)
    form = browser.get(f"/network/nas/{ID}").get_data(as_text=True)
    assert "0123456789abcdef" not in form and 'value="3799"' in form
    browser.send(f"/network/nas/{ID}", name="edge2", vendor="cisco", strategy="coa_only", secret="")
    assert script.sent("PATCH", f"/v1/nas/{ID}") == [
        {"name": "edge2", "vendor": "cisco", "strategy": "coa_only"}
    ]


def test_a_nas_says_where_it_lists_its_sessions_and_why_that_fails(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/nas", NAS, 201)
    where = "https://edge.example/sessions"
    browser.send("/network/nas/new", name="edge", sessions_url=where, sessions_token="s3cret")
    (sent,) = script.sent("POST", "/v1/nas")
    assert (sent["sessions_url"], sent["sessions_token"]) == (where, "s3cret")

    away = {"id": ID, **NAS, "sessions_state": "silent", "sessions_error": "no answer in 10 s"}
    script.lists("/v1/nas", away)
    assert "no answer in 10 s" in browser.get("/network/nas").get_data(as_text=True)


def test_a_nas_is_removed_only_when_it_is_said_once_more(browser: Browser, script: Script) -> None:
    script.says("GET", f"/v1/nas/{ID}", NAS, ETag='"2"')
    script.says("DELETE", f"/v1/nas/{ID}", None, 204)
    assert "Remove NAS edge?" in browser.get(f"/network/nas/{ID}/remove").get_data(as_text=True)
    assert script.sent("DELETE", f"/v1/nas/{ID}") == []
    browser.send(f"/network/nas/{ID}/remove")
    assert len(script.sent("DELETE", f"/v1/nas/{ID}")) == 1


def test_an_operator_is_disabled(browser: Browser, script: Script) -> None:
    north = {"id": ID, "username": "north", "name": "North", "role": "reseller", "status": "active"}
    script.says("GET", f"/v1/operators/{ID}", north, ETag='"5"')
    script.says("PATCH", f"/v1/operators/{ID}", north)
    form = browser.get(f"/operators/{ID}").get_data(as_text=True)
    assert 'value="North"' in form and 'value="reseller" selected' in form
    browser.send(f"/operators/{ID}", name="North", role="reseller", status="disabled", password="")
    assert script.sent("PATCH", f"/v1/operators/{ID}") == [
        {"name": "North", "role": "reseller", "status": "disabled"}
    ]


def test_a_package_is_retired_and_who_may_not_change_it_is_offered_nothing(
    browser: Browser, stranger: Browser, script: Script
) -> None:
    package = {"id": ID, "name": "Home 20", "retired": False,
               "price": {"amount": "500.00", "currency": "BDT"}}  # fmt: skip
    script.lists("/v1/packages", package)
    script.says("GET", f"/v1/packages/{ID}", package, ETag='"1"')
    script.says("PATCH", f"/v1/packages/{ID}", package)
    text = browser.get("/packages").get_data(as_text=True)
    assert f'action="/packages/{ID}/switch"' in text and f'href="/packages/{ID}"' in text
    browser.send(f"/packages/{ID}/switch")
    assert script.sent("PATCH", f"/v1/packages/{ID}") == [{"retired": True}]
    script.says("GET", "/v1/me", OPERATOR | {"permissions": ["packages.read"]})
    stranger.sign_in()
    assert f"/packages/{ID}" not in stranger.get("/packages").get_data(as_text=True)


def test_an_api_key_is_shown_once_and_revoked(browser: Browser, script: Script) -> None:
    place = f"/v1/operators/{ID}/api-keys"
    script.says("GET", f"/v1/operators/{ID}", {"id": ID, "name": "North"})
    script.lists(place, {"id": ID, "name": "app", "prefix": "tnr_ab", "scopes": []})
    script.says("POST", place, {"id": ID, "name": "app", "key": "tnr_abcdef"}, 201)
    script.says("DELETE", f"{place}/{ID}", None, 204)
    browser.get(f"/operators/{ID}/api-keys/new")
    made = browser.send(
        f"/operators/{ID}/api-keys/new", name="app", scopes="customers.read payments.read",
        expires_at="2026-12-31",
    )  # fmt: skip
    assert "tnr_abcdef" in made.get_data(as_text=True)
    assert script.sent("POST", place) == [
        {"name": "app", "scopes": ["customers.read", "payments.read"],
         "expires_at": "2027-01-01T00:00:00+06:00"}
    ]  # fmt: skip
    text = browser.get(f"/operators/{ID}/api-keys").get_data(as_text=True)
    assert "tnr_abcdef" not in text and f'action="/operators/{ID}/api-keys/{ID}/revoke"' in text
    browser.send(f"/operators/{ID}/api-keys/{ID}/revoke")
    assert len(script.sent("DELETE", f"{place}/{ID}")) == 1
