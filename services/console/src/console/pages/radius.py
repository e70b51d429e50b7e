"""Network › RADIUS servers and mass cut-offs: what to do when the network itself is in trouble."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.context import apis
from console.failures import attempt
from console.listing import Action, Column, Item, read

pages = Blueprint("radius", __name__, url_prefix="/network")


def state_of(item: Item) -> str:
    """What its Status-Server said, with its clock when that is off (RFC 5997)."""
    radius = item.get("radius") or {}
    skew = radius.get("clock_skew_seconds")
    off = f", clock {skew:+.0f} s" if isinstance(skew, int | float) and abs(skew) >= 2 else ""
    return f"{radius['state']}{off}" if radius else ""


def examine(item: Item) -> str:
    return url_for("radius.doctor", target_id=item["id"])


def switch(item: Item) -> str:
    return url_for("radius.switch_target", target_id=item["id"])


TARGETS = (
    Column("Name", "name", sort="name", link=examine),
    Column("Its database", "health", "words", under="error"),
    Column("Failures", "failures"),
    Column("Logins to copy", "pending"),
    Column("Applied", "applied_at", "time"),
    Column("Its RADIUS server", "radius.address", "code", under=state_of),
)
TARGET_ACTIONS = (
    Action("Examine", examine, "targets.read", asks=True),
    Action(
        "Edit",
        lambda item: url_for("radius_servers.edit", target_id=item["id"]),
        "targets.write",
        asks=True,
    ),
    Action("Stop provisioning", switch, "targets.write", lambda item: item["enabled"], danger=True),
    Action("Provision", switch, "targets.write", lambda item: not item["enabled"]),
    Action(
        "Remove",
        lambda item: url_for("radius_servers.remove", target_id=item["id"]),
        "targets.write",
        lambda item: not item.get("embedded"),
        asks=True,
        danger=True,
    ),
)
# What an operator may say, and what is told then.
DECISIONS = {
    "stop": "Stopped: no cut-off goes out until you release or pace them.",
    "pace": "They go out slowly.",
    "release": "They go out as fast as the NASes take them.",
}


@pages.get("/targets")
def targets() -> str:
    listing = read(apis().network.targets, TARGETS, table="targets")
    return render_template(
        "list.html", listing=listing, title="RADIUS servers", actions=TARGET_ACTIONS,
        tools=(("Add RADIUS server", url_for("radius_servers.add"), "targets.write"),),
        about="Each has all logins in a database of its own. One that fails delays no other, is tried"
        " again every minute and catches up by itself; afterwards a reconciliation proves it.",
        empty="No RADIUS server is registered.",
    )  # fmt: skip


@pages.get("/targets/<uuid:target_id>/doctor")
def doctor(target_id: UUID) -> str:
    """Every fault of its database with its fix; reads each of its rows once."""
    services = apis().network
    target = services.target(target_id).body
    return render_template(
        "doctor.html", target=target, state=state_of(target),
        diagnosis=services.examine_target(target_id).body,
    )  # fmt: skip


@pages.post("/targets/<uuid:target_id>/switch")
def switch_target(target_id: UUID) -> Response:
    services = apis().network
    found = services.target(target_id)
    on = not found.body["enabled"]
    done = "It is provisioned again, and catches up." if on else "It is not provisioned any more."
    attempt(lambda: services.change_target(target_id, {"enabled": on}, found.etag), done)
    return redirect(url_for("radius.targets"), 303)


@pages.get("/storm")
def storm() -> str:
    return render_template("storm.html", storm=apis().network.storm().body)


@pages.post("/storm/<any(stop, pace, release):what>")
def decide(what: str) -> Response:
    reason = request.form.get("reason", "").strip()
    body: dict[str, Any] = {"reason": reason} if reason else {}
    key = request.form["key"]
    attempt(lambda: apis().network.decide_storm(what, body, key), DECISIONS[what])
    return redirect(url_for("radius.storm"), 303)
