"""A token is renewed while it is valid, for twelve hours, as what the operator is by now."""

import time
from typing import Any

from joserfc import jwt

from customers import signing_keys
from customers.signing_in import SIGNED_IN_SECONDS
from shared.tokens import ALGORITHM, Principal, issue
from tests.customers.conftest import Caller, Site


def _claims(site: Site, token: str) -> dict[str, Any]:
    with site.database.transaction() as session:
        key = signing_keys.current(session, site.settings.secret_key)
    return jwt.decode(token, key, algorithms=[ALGORITHM]).claims


def _signed_in(site: Site, caller: Caller, seconds_ago: float) -> None:
    """Give the caller a valid token of somebody who signed in that long ago."""
    with site.database.transaction() as session:
        key = signing_keys.current(session, site.settings.secret_key)
    since = int(time.time() - seconds_ago)
    caller.token = issue(
        Principal(
            id=caller.id, name="north", role="reseller", path=caller.path, since=since, generation=1
        ),
        key,
    )


def test_a_renewed_token_keeps_when_the_operator_signed_in(site: Site) -> None:
    north = site.operator("north")
    _signed_in(site, north, SIGNED_IN_SECONDS - 60)
    old = _claims(site, north.token)
    answer = north.call("POST", "/v1/tokens/renew")
    assert answer.status_code == 200, answer.text
    body: Any = answer.get_json()
    new = _claims(site, body["access_token"])
    assert new["auth_time"] == old["auth_time"] < new["iat"]
    north.token = body["access_token"]
    assert north.get("/v1/me").status_code == 200


def test_b17_a_changed_role_reaches_the_next_token(site: Site) -> None:
    north = site.operator("north", "manager")
    site.change("UPDATE operator SET role = 'reseller' WHERE id = :id", id=north.id)
    body: Any = north.call("POST", "/v1/tokens/renew").get_json()
    assert _claims(site, body["access_token"])["role"] == "reseller"


def test_a_disabled_operator_gets_no_new_token(site: Site) -> None:
    north = site.operator("north")
    site.admin.patch(f"/v1/operators/{north.id}", {"status": "disabled"})
    assert north.call("POST", "/v1/tokens/renew").status_code == 401


def test_nobody_renews_longer_than_twelve_hours_after_signing_in(site: Site) -> None:
    north = site.operator("north")
    _signed_in(site, north, SIGNED_IN_SECONDS + 60)
    assert north.get("/v1/me").status_code == 200
    assert north.call("POST", "/v1/tokens/renew").status_code == 401


def test_an_api_key_is_no_token_and_is_not_renewed(site: Site) -> None:
    north = site.operator("north")
    key: Any = site.admin.post(f"/v1/operators/{north.id}/api-keys", {"name": "portal"}).get_json()
    north.token = key["key"]
    assert north.get("/v1/me").status_code == 200
    assert north.call("POST", "/v1/tokens/renew").status_code == 401


def test_b17_a_new_password_ends_the_sign_ins_before_it(site: Site) -> None:
    north, elsewhere = site.operator("north"), Caller(site.app.test_client(), "", site.admin.id, "")
    elsewhere.token = north.token
    wrong = north.post("/v1/me/password", {"current": "guess", "new": "another-password"})
    assert wrong.status_code == 422
    assert wrong.get_json()["errors"][0]["pointer"] == "/current"
    changed = north.post(
        "/v1/me/password", {"current": "north-password", "new": "another-password"}
    )
    assert changed.status_code == 200, changed.text
    assert elsewhere.call("POST", "/v1/tokens/renew").status_code == 401
    north.token = changed.get_json()["access_token"]
    assert north.call("POST", "/v1/tokens/renew").status_code == 200

    client = site.app.test_client()
    for password, status in (("north-password", 401), ("another-password", 200)):
        answer = client.post("/v1/tokens", json={"username": "north", "password": password})
        assert answer.status_code == status
    (logged,) = site.rows("SELECT * FROM operation WHERE action = 'operator.password_changed'")
    assert logged.actor == "north" and logged.subject == north.id


def test_b17_disabled_and_enabled_again_is_signed_out(site: Site) -> None:
    north = site.operator("north")
    for status in ("disabled", "active"):
        place = f"/v1/operators/{north.id}"
        assert site.admin.patch(place, {"status": status}).status_code == 200
    assert north.call("POST", "/v1/tokens/renew").status_code == 401


def test_b17_a_password_set_from_above_ends_the_sign_ins_before_it(site: Site) -> None:
    north = site.operator("north")
    site.admin.patch(f"/v1/operators/{north.id}", {"password": "another-password"})
    assert north.call("POST", "/v1/tokens/renew").status_code == 401


def test_b19_an_api_key_changes_no_password_and_guesses_are_throttled(site: Site) -> None:
    north = site.operator("north")
    guess = {"current": "guess-guess", "new": "another-password"}
    tries = [north.post("/v1/me/password", guess).status_code for _ in range(11)]
    assert tries == [422] * 10 + [429]
    key: Any = site.admin.post(f"/v1/operators/{north.id}/api-keys", {"name": "portal"}).get_json()
    north.token = key["key"]
    right = {"current": "north-password", "new": "another-password"}
    assert north.post("/v1/me/password", right).status_code == 422


def test_the_token_after_a_password_change_is_not_stored(site: Site) -> None:
    north = site.operator("north")
    north.bulk("/v1/me/password", {"current": "north-password", "new": "another-password"})
    stored = site.one("SELECT body FROM idempotency WHERE route LIKE '%/me/password'").body
    assert "access_token" not in stored
