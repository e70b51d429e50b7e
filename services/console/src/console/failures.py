"""Every failure as a page that says what to do; never a stack trace."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import cast

from flask import Flask, Response, g, redirect, render_template, request, url_for
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from console.api_client import Refused, Silent, TokenEnded
from console.context import place, sessions, tell
from shared.logs import logger

log = logger("console")

Page = tuple[str, int]
NAMES = {
    "customers": "The customers service",
    "payments": "The payments service",
    "radius-sync": "The network service (radius-sync)",
}
# What a person can do about an answer of HTTP itself.
ADVICE = {
    400: "The form could not be read. Go back, open the page again and send it once more.",
    404: "There is no such page. It may have been moved or mistyped.",
    405: "This address takes a form, not a visit. Start from the menu.",
    413: "That was too much at once: a file may have 20 MB, a selection some thousand rows.",
}


def install(app: Flask) -> None:
    @app.before_request
    def identify() -> None:
        g.request_id = secrets.token_hex(8)

    @app.after_request
    def name(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response

    app.register_error_handler(Refused, refused)
    app.register_error_handler(Silent, silent)
    app.register_error_handler(TokenEnded, token_ended)
    app.register_error_handler(RedisError, store_away)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def refused(error: Refused) -> Page:
    """The service said no: its own words, field by field."""
    return render_template("refused.html", refused=error), error.status


def silent(error: Silent) -> Page:
    log.warning(
        "console.service_silent", service=error.service, path=request.path,
        error=type(error.__cause__).__name__, request_id=g.get("request_id"),
    )  # fmt: skip
    service = NAMES.get(error.service, error.service)
    text = (
        f"{service} does not answer. What you sent may or may not have arrived: look before you send"
        " it again. Try again in a moment; if it stays so, check that its web role runs."
    )
    return _page(503, "A service does not answer", text)


def token_ended(error: TokenEnded) -> Response:
    """The service took the token no more: sign in again and come back."""
    sessions().end(g.session_id)
    again = url_for("signing.sign_in", next=place(), again=1)
    return cast(Response, redirect(again, 303))


def store_away(error: RedisError) -> Page:
    log.warning("console.redis_away", error=type(error).__name__)
    g.login = None
    text = "The console cannot read who is signed in: Redis does not answer. Try again in a moment."
    return _page(503, "Signing in is not possible now", text)


def http_error(error: HTTPException) -> Page | Response:
    code = error.code or 500
    if code < 400:
        return cast(Response, error.get_response())
    return _page(code, error.name, ADVICE.get(code) or error.description or "")


def unexpected(error: Exception) -> Page:
    log.exception("console.unexpected", path=request.path, request_id=g.get("request_id"))
    text = (
        "The fault is in the console, not in what you did. What you sent may or may not have arrived:"
        " look before you send it again. The console's log has the cause under the request id"
        f" {g.get('request_id')}."
    )
    return _page(500, "Something went wrong here", text)


def _page(status: int, title: str, text: str) -> Page:
    return render_template("failure.html", title=title, text=text), status


def attempt(do: Callable[[], object], done: str, refusal: str = "Not done") -> bool:
    """Do it and say so on the next page, or why it was refused; false then."""
    try:
        do()
    except Refused as refused:
        warn(refused, refusal)
        return False
    tell(done)
    return True


def warn(refused: Refused, title: str) -> None:
    """Say on the next page why it was refused."""
    lines = [fault.detail for fault in refused.faults] or [refused.detail]
    tell(f"{title}: {refused.title}", *filter(None, lines), tone="problem")
