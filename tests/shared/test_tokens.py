"""Tokens: short, of our key, of our algorithm, and no service's secret makes an operator (B17)."""

import base64
import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from shared.tokens import (
    ISSUER,
    PERMISSIONS,
    TOKEN_SECONDS,
    BadToken,
    Principal,
    Verifier,
    issue,
    service_token,
)

SECRET = "s" * 40
KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "one"})
OTHER = OKPKey.generate_key("Ed25519", parameters={"kid": "one"})
WHO = Principal(id=UUID(int=4), name="north", role="reseller", path="1/4/")
VERIFIER = Verifier(lambda _afresh: KeySet([KEY]), SECRET)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "sub": str(WHO.id), "name": "north", "role": "reseller", "path": "1/4/",
            "iat": now, "exp": now + 60, **more}  # fmt: skip


def signed(**more: Any) -> str:
    return jwt.encode({"alg": "Ed25519", "kid": "one"}, claims(**more), KEY, algorithms=["Ed25519"])


def test_a_token_names_its_operator_again() -> None:
    assert VERIFIER.verify(issue(WHO, KEY)) == WHO


def test_a_service_token_names_a_service_that_may_read_events_only() -> None:
    service = VERIFIER.verify(service_token("payments", SECRET))

    assert (service.role, service.name, service.scope.path) == ("service", "payments", None)
    assert service.may("events.read")
    assert not service.may("customers.read")


def test_a_token_is_over_after_ten_minutes() -> None:
    with pytest.raises(BadToken):
        VERIFIER.verify(issue(WHO, KEY, now=time.time() - TOKEN_SECONDS - 1))


def test_a_token_known_already_is_over_after_ten_minutes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys, token, now = KeySet([KEY]), issue(WHO, KEY), time.time()
    verifier = Verifier(lambda _afresh: keys, SECRET)
    assert verifier.verify(token) is verifier.verify(token), "it is known again"

    monkeypatch.setattr(time, "time", lambda: now + TOKEN_SECONDS + 1)

    with pytest.raises(BadToken):
        verifier.verify(token)


def test_a_token_known_already_is_refused_once_its_key_is_withdrawn() -> None:
    sets = [KeySet([KEY])]
    verifier = Verifier(lambda _afresh: sets[-1], SECRET)
    token = issue(WHO, KEY)
    assert verifier.verify(token) == WHO

    sets.append(KeySet([OTHER]))

    with pytest.raises(BadToken):
        verifier.verify(token)


def test_another_key_with_the_same_name_is_refused() -> None:
    with pytest.raises(BadToken):
        VERIFIER.verify(issue(WHO, OTHER))


def test_a_service_secret_does_not_make_an_operator() -> None:
    """What a stolen site secret must not be able to: sign in as admin."""
    forged = jwt.encode(
        {"alg": "HS256"},
        claims(role="admin", path="1/"),
        OctKey.import_key(SECRET),
        algorithms=["HS256"],
    )
    with pytest.raises(BadToken, match="services only"):
        VERIFIER.verify(forged)


def test_a_public_key_is_no_secret_alg_confusion() -> None:
    public = json.dumps(KEY.as_dict(private=False)).encode()
    forged = jwt.encode(
        {"alg": "HS256", "kid": "one"},
        claims(role="service"),
        OctKey.import_key(public),
        algorithms=["HS256"],
    )
    with pytest.raises(BadToken):
        VERIFIER.verify(forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "RS256", "HS512", "", None, 5])
def test_no_other_algorithm_is_taken(algorithm: Any) -> None:
    for signature in ("", signed().rpartition(".")[2]):
        token = f"{part({'alg': algorithm, 'kid': 'one'})}.{part(claims())}.{signature}"
        with pytest.raises(BadToken):
            VERIFIER.verify(token)


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "somebody"}, {"exp": None}, {"exp": "tomorrow"}, {"role": "god"}, {"role": "service"},
        {"role": None}, {"path": None}, {"path": 5}, {"sub": "admin"}, {"sub": None}, {"name": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_missing_or_odd_is_refused(more: dict[str, Any]) -> None:
    given_ = {name: value for name, value in claims(**more).items() if value is not None}
    token = jwt.encode({"alg": "Ed25519", "kid": "one"}, given_, KEY, algorithms=["Ed25519"])

    with pytest.raises(BadToken):
        VERIFIER.verify(token)


@given(st.text(max_size=200))
def test_no_text_is_an_error_other_than_bad_token(text: str) -> None:
    with pytest.raises(BadToken):
        VERIFIER.verify(text)


@given(st.data())
def test_no_changed_character_is_accepted(data: st.DataObject) -> None:
    token = issue(WHO, KEY)
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("AQz9-_"))
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(BadToken):
            VERIFIER.verify(changed)


def test_a_new_key_is_fetched_when_the_kept_set_does_not_know_it() -> None:
    asked: list[bool] = []

    def keys(afresh: bool) -> KeySet:
        asked.append(afresh)
        return KeySet([OTHER if afresh else KEY])

    assert Verifier(keys, SECRET).verify(issue(WHO, OTHER)) == WHO
    assert asked == [False, True]


def test_roles_contain_one_another_and_only_admin_may_everything() -> None:
    assert PERMISSIONS["reseller"] < PERMISSIONS["manager"]
    assert PERMISSIONS["admin"] == {"*"}
    for permission in ("dead_letters.read", "dead_letters.write", "operations.verify"):
        assert replace(WHO, role="admin").may(permission)
        assert not replace(WHO, role="manager").may(permission)


def test_an_api_keys_scopes_narrow_its_role_and_never_widen_it() -> None:
    key = replace(WHO, scopes=frozenset({"customers.read", "nas.read"}))

    assert key.may("customers.read")
    assert not key.may("customers.write")
    assert not key.may("nas.read"), "no reseller may"
    assert replace(WHO, scopes=frozenset({"*"})).may("customers.write")
