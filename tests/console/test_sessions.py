"""Logins: how long they last, how they are renewed, and what ends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from flask import Flask
from redis import Redis

from console.context import RENEW_WITHIN
from console.sessions import Login, Message, Sessions
from console.settings import ConsoleSettings
from tests.console.conftest import Browser
from tests.console.scripted_services import TOKEN, Script
from tests.support.waiting import until

OPERATOR = {"username": "ada"}


@pytest.fixture
def redis(redis_url: str) -> Any:
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
        yield redis


@pytest.fixture
def sessions(redis: Redis, settings: ConsoleSettings) -> Sessions:
    return Sessions(redis, settings)


def _keys(redis: Any) -> list[str]:
    return [key.decode() for key in redis.scan_iter()]


def test_a_login_is_found_by_its_id_alone(sessions: Sessions) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    found = sessions.find(session_id)
    assert found is not None and found.token == "token" and found.operator == OPERATOR
    assert sessions.find(session_id[:-1] + "!") is None


def test_redis_holds_no_id_that_a_browser_could_be_given(sessions: Sessions, redis: Redis) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    assert not [key for key in _keys(redis) if session_id in key]


def test_a_login_ends_after_thirty_idle_minutes_and_each_request_starts_them_anew(
    sessions: Sessions, redis: Redis
) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    (key,) = _keys(redis)
    redis.expire(key, 10)
    sessions.find(session_id)
    assert 1790 < redis.ttl(key) <= 1800


def test_an_idle_login_is_gone(settings: ConsoleSettings, redis: Redis) -> None:
    short = Sessions(redis, replace(settings, idle_seconds=1))
    session_id = short.start("token", 600, OPERATOR)
    until(lambda: not _keys(redis), message="the login outlived its idle time")
    assert short.find(session_id) is None


def test_a_login_ends_after_twelve_hours_however_busy(sessions: Sessions, redis: Redis) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    (key,) = _keys(redis)
    aged = orjson.loads(redis.get(key))  # type: ignore[arg-type]
    aged["since"] -= 12 * 60 * 60 + 1
    redis.set(key, orjson.dumps(aged))
    assert sessions.find(session_id) is None
    assert _keys(redis) == []


def test_a_renewal_does_not_bring_back_a_login_that_was_ended_meanwhile(sessions: Sessions) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    login = sessions.find(session_id)
    assert login is not None
    sessions.end(session_id)
    sessions.keep(session_id, login)
    assert sessions.find(session_id) is None


def test_a_message_is_said_once(sessions: Sessions) -> None:
    session_id = sessions.start("token", 600, OPERATOR)
    sessions.tell(session_id, Message("done", "Saved.", ("More.",)))
    assert sessions.told(session_id) == [Message("done", "Saved.", ["More."])]  # type: ignore[arg-type]
    assert sessions.told(session_id) == []


Ageing = Callable[[float], None]


@pytest.fixture
def age_token(app: Flask, browser: Browser) -> Ageing:
    """Make the token of the signed-in browser end in so many seconds."""
    sessions: Sessions = app.extensions["console.sessions"]
    cookie = browser.get_cookie("tenure_session")
    assert cookie is not None

    def age(seconds: float) -> None:
        login = sessions.find(cookie.value)
        assert login is not None
        end = login.token_expires_at - TOKEN["expires_in"] + seconds  # type: ignore[operator]
        sessions.keep(cookie.value, Login(login.token, end, login.since, login.operator))

    return age


def test_a_token_in_its_second_half_is_renewed_and_used(
    browser: Browser, script: Script, age_token: Ageing
) -> None:
    script.says("POST", "/v1/tokens/renew", {**TOKEN, "access_token": "newer"})
    age_token(RENEW_WITHIN - 10)
    assert browser.get("/customers").status_code == 200
    assert browser.get("/customers").status_code == 200
    assert script.sent("POST", "/v1/tokens/renew") == [None]
    assert script.authorizations[-1] == "Bearer newer"


def test_a_token_that_cannot_be_renewed_does_until_it_ends(
    browser: Browser, script: Script, age_token: Ageing
) -> None:
    age_token(RENEW_WITHIN - 10)
    script.refuses("POST", "/v1/tokens/renew", 503, "unavailable")
    assert browser.get("/customers").status_code == 200


def test_a_dismissed_operator_is_signed_out_at_the_renewal(
    browser: Browser, script: Script, age_token: Ageing
) -> None:
    age_token(RENEW_WITHIN - 10)
    script.refuses("POST", "/v1/tokens/renew", 401, "unauthenticated")
    assert browser.get("/customers").headers["Location"].startswith("/sign-in")


def test_a_token_that_ended_asks_to_sign_in_again_and_leads_back(
    browser: Browser, script: Script
) -> None:
    script.refuses("GET", "/v1/customers", 401, "unauthenticated")
    turned = browser.get("/customers?q=rahman")
    assert turned.headers["Location"] == "/sign-in?next=/customers?q%3Drahman&again=1"
    page = browser.get(turned.headers["Location"]).get_data(as_text=True)
    assert "Please sign in again" in page
    script.lists("/v1/customers")
    back = browser.send("/sign-in", username="a", password="b", next="/customers?q=rahman")
    assert back.headers["Location"] == "/customers?q=rahman"


def test_wrong_credentials_are_told_and_the_password_is_not_shown_again(
    stranger: Browser, script: Script
) -> None:
    script.refuses("POST", "/v1/tokens", 401, "unauthenticated", detail="Wrong name or password.")
    stranger.get("/sign-in")
    answer = stranger.send("/sign-in", username="ada", password="hunter2hunter2")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "Wrong name or password." in text and 'value="ada"' in text
    assert "hunter2" not in text
