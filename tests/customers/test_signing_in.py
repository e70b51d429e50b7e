"""Sign-in: the same answer for every failure, throttled; API keys narrowed and revoked."""

import re
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from customers import passwords
from shared.addresses import vouch
from tests.customers.conftest import Site


def _sign_in(site: Site, username: str, password: str, **headers: str) -> TestResponse:
    return site.app.test_client().post(
        "/v1/tokens",
        json={"username": username, "password": password},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_an_operator_signs_in_and_is_told_who_it_is(site: Site) -> None:
    site.operator("north")
    token = _sign_in(site, "NORTH", "north-password")
    assert token.status_code == 200, token.text
    body: Any = token.get_json()
    assert body["token_type"] == "Bearer" and body["expires_in"] == 600
    me = site.app.test_client().get(
        "/v1/me", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    seen: Any = me.get_json()
    assert (seen["username"], seen["role"]) == ("north", "reseller")
    assert "customers.read" in seen["permissions"] and "*" not in seen["permissions"]


def test_wrong_name_wrong_password_and_disabled_get_one_answer(site: Site) -> None:
    """B18."""
    north = site.operator("north")
    site.admin.patch(f"/v1/operators/{north.id}", {"status": "disabled"})
    site.operator("south")
    answers = [
        _sign_in(site, "nobody", "whatever-1"),
        _sign_in(site, "south", "whatever-1"),
        _sign_in(site, "north", "north-password"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    texts = {re.sub(r'"request_id":"\w+"', "", answer.text) for answer in answers}
    assert len(texts) == 1


def test_ten_failures_in_five_minutes_are_throttled_even_for_the_right_password(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B18: 429 with Retry-After."""
    site.operator("north")
    monkeypatch.setattr(passwords, "matches", lambda stored, password: password == "right-one")
    assert [_sign_in(site, "north", "wrong").status_code for _ in range(10)] == [401] * 10
    refused = _sign_in(site, "north", "right-one")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert _sign_in(site, "other", "wrong").status_code == 401
    site.change("UPDATE login_attempt SET at = at - interval '6 minutes'")
    assert _sign_in(site, "north", "right-one").status_code == 200


def test_one_password_against_many_names_is_throttled_by_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B18: spraying. Whoever signs in does not count."""
    site.operator("north")
    monkeypatch.setattr(passwords, "matches", lambda stored, password: password == "right-one")
    for _ in range(3):
        assert _sign_in(site, "north", "right-one").status_code == 200
    for n in range(100):
        assert _sign_in(site, f"name{n}", "wrong").status_code == 401
    assert _sign_in(site, "name100", "wrong").status_code == 429


def test_the_console_tells_whose_browser_it_was_and_nobody_else_can(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B18, B21: one browser's failures shut out no other browser behind the same console."""
    site.operator("north")
    monkeypatch.setattr(passwords, "matches", lambda stored, password: password == "right-one")

    def of(browser: str, password: str) -> int:
        address = vouch(browser, site.settings.service_secret)
        return _sign_in(site, "north", password, Tenure_Client_Address=address).status_code

    near, far = "198.51.100.1", "198.51.100.2"
    assert [of(near, "wrong") for _ in range(10)] == [401] * 10
    assert (of(near, "right-one"), of(far, "right-one")) == (429, 200)

    site.admin.post(
        "/v1/customers", {"name": "Ada", "username": "ada"},
        Tenure_Client_Address=vouch(far, site.settings.service_secret),
    )  # fmt: skip
    site.admin.post(
        "/v1/customers", {"name": "Bob", "username": "bob"},
        Tenure_Client_Address="203.0.113.1", X_Forwarded_For="203.0.113.1",
    )  # fmt: skip
    logged = site.rows("SELECT ip FROM operation WHERE action = 'customer.created' ORDER BY at")
    assert [row.ip for row in logged] == ["198.51.100.2", "127.0.0.1"]


def test_a_disabled_operator_shuts_out_everybody_below(site: Site) -> None:
    manager = site.operator("boss", "manager")
    site.operator("below", "reseller", manager)
    assert _sign_in(site, "below", "below-password").status_code == 200
    site.admin.patch(f"/v1/operators/{manager.id}", {"status": "disabled"})
    assert _sign_in(site, "below", "below-password").status_code == 401


def test_a_password_with_outdated_cost_is_hashed_anew_at_sign_in(site: Site) -> None:
    site.operator("north")
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    site.change(
        "UPDATE operator SET password_hash = :h WHERE username = 'north'",
        h=cheap.hash("north-password"),
    )
    assert _sign_in(site, "north", "north-password").status_code == 200
    kept = site.one("SELECT password_hash FROM operator WHERE username = 'north'").password_hash
    assert "m=19456,t=2" in kept


def test_demo_passwords_open_nothing_where_the_demo_is_off(site: Site) -> None:
    assert _sign_in(site, "admin", "admin-demo").status_code == 200
    object.__setattr__(site.settings, "demo", False)
    assert _sign_in(site, "admin", "admin-demo").status_code == 401


def test_the_key_set_holds_no_private_half_and_one_key_is_made_by_many(site: Site) -> None:
    keys: Any = site.app.test_client().get("/.well-known/jwks.json").get_json()
    (key,) = keys["keys"]
    assert key["kty"] == "OKP" and "d" not in key
    sealed = site.one("SELECT private_sealed FROM signing_key").private_sealed
    assert sealed.startswith("v1:")


def test_an_api_key_is_shown_once_narrowed_by_its_scopes_and_revoked(site: Site) -> None:
    """B19."""
    north = site.operator("north")
    place = f"/v1/operators/{north.id}/api-keys"
    made = site.admin.post(place, {"name": "portal", "scopes": ["customers.read"]})
    assert made.status_code == 201, made.text
    key: Any = made.get_json()
    assert re.fullmatch(r"tnr_[0-9a-f]{8}_[\w-]{43}", key["key"])
    assert "key" not in site.admin.get(place).get_json()["items"][0]

    north.token = key["key"]
    assert north.get("/v1/customers").status_code == 200
    assert north.post("/v1/customers", {}).status_code == 403
    north.token = key["key"][:-1]
    assert north.get("/v1/customers").status_code == 401
    north.token = key["key"]
    assert site.admin.delete(f"{place}/{key['id']}").status_code == 204
    assert north.get("/v1/customers").status_code == 401
    told = [(event.sequence, event.data["revoked"]) for event in site.events(key["id"])]
    assert told == [(1, False), (2, True)]


def test_a_key_ends_with_its_time_and_with_its_operator(site: Site) -> None:
    north = site.operator("north")
    place = f"/v1/operators/{north.id}/api-keys"
    key: Any = site.admin.post(place, {"name": "portal"}).get_json()
    north.token = key["key"]
    site.change("UPDATE api_key SET expires_at = now() - interval '1 second'")
    assert north.get("/v1/customers").status_code == 401
    site.change("UPDATE api_key SET expires_at = NULL")
    site.admin.patch(f"/v1/operators/{north.id}", {"status": "disabled"})
    assert north.get("/v1/customers").status_code == 401
    assert site.events(key["id"])[-1].data["revoked"] is True


def test_the_text_of_a_key_is_not_in_the_stored_answer(site: Site) -> None:
    north = site.operator("north")
    place = f"/v1/operators/{north.id}/api-keys"
    first = site.admin.bulk(place, {"name": "portal"})
    assert first.get_json()["key"].startswith("tnr_")
    stored = site.one("SELECT body FROM idempotency WHERE route LIKE '%api-keys'").body
    assert "key" not in stored
