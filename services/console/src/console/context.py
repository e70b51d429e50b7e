"""What a page has at hand: who is signed in, the APIs in their name, what to say next."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import requests
from flask import Flask, Response, current_app, g, redirect, request, url_for

from console.api_client import Apis, Refused, Silent, TokenEnded
from console.forms import new_key
from console.security import csrf_token
from console.sessions import Login, Message, Sessions
from console.settings import ConsoleSettings
from shared.addresses import behind

# Renewed in the second half of its ten minutes: an open page never meets its end.
RENEW_WITHIN = 300
PUBLIC = ("signing.", "health.", "static")


def install(
    app: Flask, settings: ConsoleSettings, sessions: Sessions, http: requests.Session
) -> None:
    app.extensions |= {
        "console.settings": settings,
        "console.sessions": sessions,
        "console.http": http,
    }
    app.jinja_env.globals |= {"csrf_token": csrf_token, "messages": messages, "may": may}

    @app.before_request
    def sign_in_first() -> Response | None:
        endpoint = request.endpoint or "static"
        g.login = None if endpoint.startswith(("health.", "static")) else _find_login()
        if g.login is None and not endpoint.startswith(PUBLIC):
            return cast(Response, redirect(url_for("signing.sign_in", next=place())))
        return None

    @app.context_processor
    def everywhere() -> dict[str, object]:
        return {"login": g.get("login"), "key": new_key()}


def sessions() -> Sessions:
    return cast(Sessions, current_app.extensions["console.sessions"])


def apis(token: str | None = None, seconds: float | None = None) -> Apis:
    """The services on behalf of who is signed in. `seconds` is another patience than the usual."""
    extensions = current_app.extensions
    settings: ConsoleSettings = extensions["console.settings"]
    if seconds is not None:
        settings = replace(settings, call_seconds=min(seconds, settings.call_seconds))
    login = cast("Login | None", g.get("login"))
    return Apis.reach(
        settings,
        extensions["console.http"],
        token if token is not None else (login.token if login else ""),
        behind(
            settings.trusted_proxies,
            request.remote_addr or "",
            request.headers.get("X-Forwarded-For", ""),
        ),
    )


def may(permission: str) -> bool:
    """Whether to offer something; the services decide by themselves whether it is allowed."""
    granted = g.login.operator.get("permissions") or ()
    return "*" in granted or permission in granted


def tell(text: str, *more: str, tone: str = "done") -> None:
    """Say it on the next page."""
    sessions().tell(g.session_id, Message(tone, text, more))


def messages() -> list[Message]:
    return sessions().told(g.session_id) if g.get("login") else []


def place() -> str:
    """Where the person is, to come back to: for a form, the page that showed it."""
    if request.method == "GET":
        return request.full_path.removesuffix("?")
    referrer = request.referrer or ""
    here = request.host_url
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else "/"


def _find_login() -> Login | None:
    if not g.known_cookie:
        return None
    login = sessions().find(g.session_id)
    if login and login.token_expires_at - time.time() < RENEW_WITHIN:
        return _renewed(login)
    return login


def _renewed(login: Login) -> Login | None:
    """With a fresh token where there is one to be had; the old one does until it ends."""
    try:
        body = apis(login.token).customers.renew().body
    except TokenEnded:
        sessions().end(g.session_id)
        return None
    except (Refused, Silent):
        return login
    login.token = body["access_token"]
    login.token_expires_at = time.time() + body["expires_in"]
    sessions().keep(g.session_id, login)
    return login
