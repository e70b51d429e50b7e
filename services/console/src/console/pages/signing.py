"""Signing in and out, and the way back to where one was."""

from __future__ import annotations

import re

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console import security
from console.api_client import Refused
from console.context import apis, sessions
from console.forms import Form

pages = Blueprint("signing", __name__)
# A place of our own: one slash, no backslash, nothing that a browser would read as another host.
_PLACE = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f]*")


@pages.get("/sign-in")
def sign_in() -> str | Response:
    if g.login is not None:
        return redirect(_next())
    return render_template("sign_in.html", form=Form(), next=_next(), again="again" in request.args)


@pages.post("/sign-in")
def signed_in() -> Response | tuple[str, int]:
    """Trade name and password for a token; neither is kept."""
    services = apis(token="")  # noqa: S106 - none yet
    try:
        given = services.customers.sign_in(request.form["username"], request.form["password"]).body
    except Refused as refused:
        form = Form({"username": request.form["username"]}, refused)
        return render_template("sign_in.html", form=form, next=_next()), refused.status
    operator = apis(token=given["access_token"]).customers.me().body
    if g.login is not None:
        sessions().end(g.session_id)
    security.change_id(sessions().start(given["access_token"], given["expires_in"], operator))
    return redirect(_next(), 303)


@pages.post("/sign-out")
def sign_out() -> Response:
    """The login is gone at once, in every tab (B17)."""
    sessions().end(g.session_id)
    security.forget_id()
    return redirect(url_for("signing.sign_in"), 303)


def _next() -> str:
    wanted = request.values.get("next", "")
    return wanted if _PLACE.fullmatch(wanted) else url_for("customers.list_customers")
