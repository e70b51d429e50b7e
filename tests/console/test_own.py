"""The own password, from the console."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.scripted_services import Script


def test_the_own_password_is_changed_and_this_sign_in_goes_on_with_the_new_token(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/me/password", {"access_token": "a-newer-token", "expires_in": 600})
    browser.get("/password")
    done = browser.send("/password", current="old one", new="new one 12", again="new one 12")
    assert done.status_code == 303
    assert script.sent("POST", "/v1/me/password") == [{"current": "old one", "new": "new one 12"}]
    assert "Your password is changed." in browser.get("/customers").get_data(as_text=True)
    assert script.authorizations[-1] == "Bearer a-newer-token"


def test_a_new_password_that_was_mistyped_is_not_sent(browser: Browser, script: Script) -> None:
    answer = browser.send("/password", current="old one", new="new one 12", again="new one 21")
    assert answer.status_code == 422
    assert "Not the same as above." in answer.get_data(as_text=True)
    assert script.sent("POST", "/v1/me/password") == []
