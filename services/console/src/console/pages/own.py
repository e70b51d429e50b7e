"""The signed-in operator's own account: the password."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, g, redirect, url_for

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, ask
from console.context import apis, sessions, tell

pages = Blueprint("own", __name__)
QUESTION = (
    Field("current", "Password now", "password", required=True),
    Field("new", "New password", "password", required=True),
    Field("again", "New password again", "password", required=True),
)


@pages.route("/password", methods=["GET", "POST"])
def password() -> Page:
    """Every other sign-in of this operator ends; this one goes on with the token of the answer."""
    question = Question(
        "Change your password", "Change it", QUESTION, url_for("customers.list_customers"),
        "Whoever else is signed in as you is signed out.",
    )  # fmt: skip
    return ask(question, _change, then=_go_on)


def _change(body: dict[str, Any], _: str) -> Answer:
    if body.pop("again", None) != body.get("new"):
        raise Refused.here("Not changed", "again", "different", "Not the same as above.")
    return apis().customers.change_password(body)


def _go_on(answer: Answer) -> Page:
    g.login.token = answer.body["access_token"]
    g.login.token_expires_at = time.time() + answer.body["expires_in"]
    sessions().keep(g.session_id, g.login)
    tell("Your password is changed.")
    return redirect(url_for("customers.list_customers"), 303)
