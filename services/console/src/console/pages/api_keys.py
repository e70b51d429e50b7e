"""Administration › Operators › API keys: with which front ends act as an operator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer
from console.asking import Field, Page, Question, ask
from console.context import apis
from console.failures import attempt
from console.listing import Action, Column, read
from console.times import end_of

pages = Blueprint("api_keys", __name__, url_prefix="/operators/<uuid:operator_id>/api-keys")
KEYS = (
    Column("Name", "name"),
    Column("Begins with", "prefix", "code"),
    Column("May", "scopes", "data", only=lambda _, scopes: scopes or "all that the operator may"),
    Column("Made", "created_at", "time", sort="created_at"),
    Column("Ends", "expires_at", "time"),
    Column("Revoked", "revoked_at", "time"),
)


@pages.get("")
def list_keys(operator_id: UUID) -> str:
    services = apis().customers
    operator = services.operator(operator_id).body
    listing = read(lambda query: services.api_keys(operator_id, query), KEYS, table="api_keys")
    revoke = Action(
        "Revoke", lambda item: url_for("api_keys.revoke", operator_id=operator_id, key_id=item["id"]),
        "api_keys.write", lambda item: not item.get("revoked_at"), danger=True,
    )  # fmt: skip
    return render_template(
        "list.html", listing=listing, title=f"API keys of {operator['name']}", actions=(revoke,),
        tools=(("Make a key", url_for("api_keys.add", operator_id=operator_id), "api_keys.write"),),
        about="With which front ends act as this operator. The keys themselves are kept nowhere.",
        empty="No keys.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def add(operator_id: UUID) -> Page:
    question = Question(
        "Make an API key", "Make it",
        (
            Field("name", "Name", required=True, hint="Of the front end that will hold it."),
            Field("scopes", "What it may",
                  hint="Permissions with spaces between. Empty: all that the operator may."),
            Field("expires_at", "Last day", "date", hint="Empty: until it is revoked."),
        ),
        url_for("api_keys.list_keys", operator_id=operator_id),
    )  # fmt: skip

    def send(body: dict[str, Any], _: str) -> Answer:
        if scopes := body.pop("scopes", ""):
            body["scopes"] = scopes.split()
        if body.get("expires_at"):
            body["expires_at"] = end_of(body["expires_at"])
        return apis().customers.add_api_key(operator_id, body)

    def then(made: Answer) -> Page:
        return render_template(
            "secret.html", title=f"API key {made.body['name']}", secret=made.body["key"],
            lead="Keep it where the front end reads its secrets.", back=question.back,
        )  # fmt: skip

    return ask(question, send, then=then)


@pages.post("/<uuid:key_id>/revoke")
def revoke(operator_id: UUID, key_id: UUID) -> Response:
    """At once here, within a second in the other services."""
    attempt(lambda: apis().customers.revoke_api_key(operator_id, key_id), "Revoked.")
    return redirect(url_for("api_keys.list_keys", operator_id=operator_id), 303)
