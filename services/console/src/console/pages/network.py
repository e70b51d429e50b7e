"""Network › subscribers, sessions, disconnects and NASes: what the network says of each login."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.failures import warn
from console.formatting import choices
from console.listing import Column, Filter, Item, read
from console.times import in_zone

pages = Blueprint("network", __name__, url_prefix="/network")
ACCESS = ("open", "limited", "walled", "blocked", "removed")


def subscriber_of(item: Item) -> str:
    """Who is online by it; empty for a session without a login."""
    name = item["username"]
    return url_for("network.subscriber", username=name) if name else ""


SUBSCRIBERS = (
    Column("Username", "username", sort="username", link=subscriber_of),
    Column("Access", "access", "words"),
    Column("Because", "reason", "words"),
    Column("Rate", "rate", "code"),
    Column("Until", "expires_at", "time"),
    Column("Changed", "changed_at", "time"),
)
SESSIONS = (
    Column("Username", "username", link=subscriber_of),
    Column("NAS", "nas_name", under="nas_address"),
    Column("Address", "framed_address", "code"),
    Column("Started", "started_at", "time"),
    Column("Ended", "stopped_at", "time"),
    Column("Because", "terminate_cause"),
    Column("Session", "session_id", "code"),
)
USAGE = (
    Column("Session", "session_id", "code"),
    Column("Username", "username"),
    Column("NAS", "nas_name"),
    Column("Started", "started_at", "time"),
    Column("Ended", "stopped_at", "time"),
    Column("Seconds", "seconds"),
    Column("Download (octets)", "download_octets"),
    Column("Upload (octets)", "upload_octets"),
)
DISCONNECTS = (
    Column("Username", "username", link=subscriber_of),
    Column("NAS", "nas_address", "code"),
    Column("Order", "kind", "words"),
    Column("Because", "reason", "words"),
    Column("State", "state", "words"),
    Column("Attempts", "attempts"),
    Column("Outcome", "outcome", "words", under="advice"),
    Column("Confirmed by", "confirmed_by", "words"),
    Column("Ordered", "created_at", "time", sort="created_at"),
)
SESSION_FILTERS = (
    Filter("open", "Sessions", (("true", "Open"), ("false", "Ended"))),
    Filter("username", "Username", kind="text"),
)
SESSION_TABS = (
    ("Sessions", "network.sessions", "sessions.read"),
    ("Who had an address", "network.who_had", "sessions.read"),
)
ORDERS = ("due", "sent", "acked", "gone", "failed", "cancelled", "deferred", "done")
ORDER_FILTERS = (
    Filter("state", "State", choices(*ORDERS)),
    Filter("username", "Username", kind="text"),
)


@pages.get("/subscribers")
def subscribers() -> str:
    filters = (Filter("access", "Access", tuple((each, each.capitalize()) for each in ACCESS)),)
    listing = read(
        apis().network.subscribers,
        SUBSCRIBERS,
        table="subscribers",
        filters=filters,
        search="Username",
        sort="username",
    )
    return render_template(
        "list.html", listing=listing, title="Subscribers", section="subscribers",
        about="What each login should have, and whether every RADIUS server has it.",
        empty="No subscribers yet. They come with the customers, within seconds.",
    )  # fmt: skip


@pages.get("/subscribers/<path:username>")
def subscriber(username: str) -> str:
    services = apis().network
    found = services.subscriber(username).body
    sessions = read(
        lambda query: services.sessions({**query, "username": username}), SESSIONS, table="sessions"
    )
    return render_template("subscriber.html", subscriber=found, listing=sessions)


@pages.get("/sessions")
def sessions() -> str:
    listing = read(apis().network.sessions, SESSIONS, table="sessions", filters=SESSION_FILTERS)
    return render_template("sessions.html", listing=listing, tabs=SESSION_TABS)


@pages.get("/who-had")
def who_had() -> str:
    """For those who have to say whose an address was at a time."""

    def found(query: dict[str, Any]) -> dict[str, Any]:
        return apis().network.who_had(query) if query.get("address") else {"items": []}

    filters = (
        Filter("address", "Address", kind="text"),
        Filter("at", "At (empty: now)", kind="datetime-local"),
    )
    moment = {"at": in_zone(request.args["at"])} if request.args.get("at") else {}
    listing = read(found, SESSIONS, table="sessions", filters=filters, also=moment)
    return render_template(
        "list.html", listing=listing, title="Who had an address", tabs=SESSION_TABS,
        about="Whose an IPv4 or IPv6 address, or a delegated prefix around it, was at a time.",
        empty="Give an address, and the time in question.",
    )  # fmt: skip


@pages.post("/sessions/<int:session_id>/disconnect")
def disconnect(session_id: int) -> Response:
    try:
        apis().network.disconnect(session_id, request.form["key"])
    except Refused as refused:
        warn(refused, "Not disconnected")
    else:
        tell("The disconnect is ordered. Its outcome stands under Disconnects.")
    return redirect(url_for("network.sessions", open="true"), 303)


@pages.get("/disconnects")
def disconnects() -> str:
    listing = read(
        apis().network.disconnects, DISCONNECTS, table="disconnects", filters=ORDER_FILTERS
    )
    return render_template(
        "list.html", listing=listing, title="Disconnects", section="disconnects",
        about="Every attempt to end or move a session, and how the NAS answered.",
        empty="Nobody had to be disconnected yet.",
    )  # fmt: skip


@pages.get("/usage/<uuid:customer_id>")
def usage(customer_id: UUID) -> str:
    """More › xDRs (C45)."""
    listing = read(apis().network.usage, USAGE, table="usage", also={"customer_id": customer_id})
    return render_template(
        "list.html", listing=listing, title="xDRs", section="usage",
        about="Usage records of the customer, newest first.", empty="No usage yet.",
    )  # fmt: skip
