"""Administration › Webhooks: where events are sent, what came of it, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, ask
from console.context import apis, tell
from console.failures import attempt, warn
from console.listing import Action, Column, Filter, Item, read
from shared.events import TYPES, ApiKeyChanged

pages = Blueprint("webhooks", __name__, url_prefix="/webhooks")
# Deliveries are kept for thirty days.
KEPT = timedelta(days=30)
# All that is told of, but keys, which are nobody's business.
SENT = sorted(set(TYPES) - {ApiKeyChanged.type})


def endpoint_of(item: Item) -> str:
    return url_for("webhooks.show", endpoint_id=item["id"])


ENDPOINTS = (
    Column("Address", "url", "code", link=endpoint_of, under="description"),
    Column("State", "state", "words"),
    Column("Fails since", "failing_since", "time"),
    Column("Events", "types", "data", only=lambda _, types: types or "all"),
    Column("Since", "created_at", "time", sort="created_at"),
)
DELIVERIES = (
    Column("Happened", "occurred_at", "time", sort="occurred_at"),
    Column("Event", "type", "code", under="source"),
    Column("State", "state", "words", under="last_error"),
    Column("Answered", "last_status"),
    Column("Attempts", "attempts"),
    Column("Last", "last_at", "time"),
    Column("Due", "due_at", "time", chosen=False),
    Column("About", "subject", "code", chosen=False),
    Column("Event's id", "event_id", "code", chosen=False),
)
FIELDS = (
    Field("url", "Address", "url", required=True, hint="https, reachable from here."),
    Field("description", "What it is for"),
    Field(
        "types", "Events", "ticks", hint="None ticked: all of them.",
        options=tuple((name, name) for name in SENT),
    ),
)  # fmt: skip


@pages.get("")
def list_endpoints() -> str:
    listing = read(apis().customers.webhooks, ENDPOINTS, table="webhook_endpoints")
    return render_template(
        "list.html", listing=listing, title="Webhooks",
        tools=(("Add webhook", url_for("webhooks.add"), "webhooks.write"),),
        about="The events of your branch, sent to your own systems, signed (Standard Webhooks). Each is"
        " tried ten times over three days; who took nothing for five days is switched off.",
        empty="Nothing is sent anywhere.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add webhook", "Add", FIELDS, url_for("webhooks.list_endpoints"),
        lead="It is sent what happens from now on.",
    )  # fmt: skip
    return ask(question, apis().customers.add_webhook, then=_secret)


@pages.get("/<uuid:endpoint_id>")
def show(endpoint_id: UUID) -> str:
    services = apis().customers
    found = services.webhook(endpoint_id)
    states = Filter("state", "State", (("due", "Due"), ("delivered", "Delivered"), ("dead", "Given up"),
                                       ("gone", "Gone with its subject")))  # fmt: skip
    listing = read(
        lambda query: services.webhook_deliveries(endpoint_id, query), DELIVERIES,
        table="webhook_deliveries", filters=(states,),
    )  # fmt: skip
    again = Action(
        "Send again", lambda item: url_for("webhooks.again", endpoint_id=endpoint_id, of=item["id"]),
        "webhooks.write", lambda item: item["state"] in ("dead", "delivered"), of="type",
    )  # fmt: skip
    return render_template(
        "webhook.html", endpoint=found.body, etag=found.etag, listing=listing, actions=(again,)
    )


@pages.post("/<uuid:endpoint_id>/ping")
def ping(endpoint_id: UUID) -> Response:
    """Sent now, once, and what came of it."""
    try:
        said = apis().customers.use_webhook(endpoint_id, "ping", {}, request.form["key"]).body
    except Refused as refused:
        warn(refused, "Not sent")
    else:
        if said["delivered"]:
            tell(f"It answered {said['status']}: it works.")
        else:
            tell("The ping did not arrive.", str(said["error"] or said["status"]), tone="problem")
    return _back(endpoint_id)


@pages.post("/<uuid:endpoint_id>/again")
def again(endpoint_id: UUID) -> Response:
    """One delivery (`of`), or all that were given up in the thirty days that are kept."""
    if one := request.args.get("of"):
        body: dict[str, Any] = {"ids": [one], "states": ["dead", "delivered"]}
    else:
        body = {"from": (datetime.now(UTC) - KEPT).isoformat(), "states": ["dead"]}
    try:
        said = apis().customers.use_webhook(endpoint_id, "replay", body, request.form["key"]).body
    except Refused as refused:
        warn(refused, "Not sent again")
    else:
        tell(f"{said['replayed']} are sent again, under the ids that they had.")
    return _back(endpoint_id)


@pages.post("/<uuid:endpoint_id>/<any(rest, wake):what>")
def switch(endpoint_id: UUID, what: str) -> Response:
    done = (
        "It is sent to again." if what == "wake" else "It rests: nothing is sent until it is woken."
    )
    change = {"active": what == "wake"}
    etag = request.form["etag"]
    attempt(lambda: apis().customers.change_webhook(endpoint_id, change, etag), done)
    return _back(endpoint_id)


@pages.post("/<uuid:endpoint_id>/secret")
def rotate(endpoint_id: UUID) -> Page:
    """The secret before signs too for 24 hours."""
    use = apis().customers.use_webhook
    try:
        made = use(endpoint_id, "rotate-secret", {}, request.form["key"])
    except Refused as refused:
        warn(refused, "The secret stays")
        return _back(endpoint_id)
    return _secret(made)


@pages.post("/<uuid:endpoint_id>/remove")
def remove(endpoint_id: UUID) -> Response:
    etag = request.form["etag"]
    gone = attempt(lambda: apis().customers.remove_webhook(endpoint_id, etag), "Removed.")
    return redirect(url_for("webhooks.list_endpoints"), 303) if gone else _back(endpoint_id)


def _secret(made: Answer) -> str:
    """Shown in this answer only: it is not kept for the next page."""
    return render_template(
        "secret.html", title="Secret of the webhook", secret=made.body["secret"],
        lead=f"Keep it where {made.body['url']} verifies what it is sent (Standard Webhooks); a former"
        " secret signs too for 24 hours.",
        back=url_for("webhooks.show", endpoint_id=made.body["id"]),
    )  # fmt: skip


def _back(endpoint_id: UUID) -> Response:
    return redirect(url_for("webhooks.show", endpoint_id=endpoint_id), 303)
