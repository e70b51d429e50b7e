"""Network › subscribers, sessions, disconnects and NASes: what the network says of each login."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.failures import warn
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("network", __name__, url_prefix="/network")
ACCESS = ("open", "limited", "walled", "blocked", "removed")


def subscriber_of(item: Item) -> str:
    return url_for("network.subscriber", username=item["username"])


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
NAS = (
    Column("Name", "name"),
    Column("Address", "address", "code"),
    Column("Vendor", "vendor"),
    Column("CoA port", "coa_port"),
    Column("Strategy", "strategy", "words"),
    Column("In flight", "in_flight"),
    Column("State", "state", "words"),
    # What the NAS cannot do as it is registered, and what mends it.
    Column("To do", "warnings", only=lambda _, all_: " ".join(one["detail"] for one in all_ or ())),
)
NAS_ACTIONS = (
    Action("Test", lambda item: url_for("network.test_nas", nas_id=item["id"]), "nas.write"),
)
OPEN = (Filter("open", "Sessions", (("true", "Open"), ("false", "Ended"))),)


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
    listing = read(apis().network.sessions, SESSIONS, table="sessions", filters=OPEN)
    return render_template("sessions.html", listing=listing)


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
    listing = read(apis().network.disconnects, DISCONNECTS, table="disconnects")
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


@pages.get("/nas")
def nas() -> str:
    listing = read(apis().network.nas, NAS, table="nas")
    return render_template(
        "list.html", listing=listing, title="NAS", actions=NAS_ACTIONS,
        about="The access servers that we send Disconnect and CoA to.",
        empty="No NAS is registered: POST /v1/nas at radius-sync adds one.",
    )  # fmt: skip


@pages.post("/nas/<uuid:nas_id>/test")
def test_nas(nas_id: UUID) -> Response:
    """Ask it to end a session that does not exist; its answer tells what is wrong, if anything."""
    try:
        said = apis().network.test_nas(nas_id).body
    except Refused as refused:
        warn(refused, "Not tested")
    else:
        faults = [each["detail"] for each in said.get("warnings") or ()]
        insists = said.get("requires") or ()
        wants = f"It insists on {', '.join(insists)}." if insists else ""
        works = f"It answers in {said['round_trip_ms']:.0f} ms." if said["works"] else "It fails."
        tell(works, *filter(None, (said["advice"], wants, *faults)),
             tone="done" if said["works"] else "problem")  # fmt: skip
    return redirect(url_for("network.nas"), 303)
