"""What stands between a browser and a write: CSRF token, Origin, and the headers of every answer.

The CSRF token is an HMAC of the session id (OWASP's HMAC-based token pattern), so that the sign-in
form needs no state of its own.
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request

from console.sessions import new_id
from console.settings import ConsoleSettings

SAFE = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def install(app: Flask, settings: ConsoleSettings) -> None:
    cookie = "__Host-tenure_session" if settings.https else "tenure_session"

    @app.before_request
    def recognise() -> None:
        given = request.cookies.get(cookie, "")
        g.known_cookie = bool(_ID.fullmatch(given))
        g.session_id = given if g.known_cookie else new_id()

    @app.before_request
    def refuse_forgery() -> None:
        if request.method in SAFE:
            return
        given = request.form.get("csrf", "")
        if not _from_here(settings) or not hmac.compare_digest(given.encode(), _csrf().encode()):
            abort(403, "This form did not come from your own page here. Open the page again.")

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        if settings.https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if g.get("forget_cookie"):
            response.delete_cookie(cookie, path="/", secure=settings.https)
        elif g.get("set_cookie"):
            response.set_cookie(
                cookie, g.session_id, httponly=True, samesite="Lax", secure=settings.https, path="/"
            )
        return response


def csrf_token() -> str:
    """For the hidden field of every form; ties it to this browser."""
    if not g.known_cookie:
        g.set_cookie = True
    return _csrf()


def change_id(session_id: str) -> None:
    """The browser goes on under a new id, at sign-in."""
    g.session_id, g.set_cookie = session_id, True


def forget_id() -> None:
    g.forget_cookie = True


def _csrf() -> str:
    key = current_app.extensions["console.settings"].service_secret.encode()
    return hmac.digest(key, f"csrf:{g.session_id}".encode(), "sha256").hex()


def _from_here(settings: ConsoleSettings) -> bool:
    """Browsers name the page a form came from; one that names none is judged by the token alone."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    # Behind a proxy the name that browsers use is the one in CONSOLE_URL.
    return urlsplit(origin).netloc in (request.host, urlsplit(settings.urls["console"]).netloc)
