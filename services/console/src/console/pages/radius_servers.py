"""Network › RADIUS servers: registered, watched and let go; and from when on cut-offs are a storm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, url_for

from console.api_client import Answer
from console.asking import Field, Page, Question, ask, change, shown
from console.context import apis

pages = Blueprint("radius_servers", __name__, url_prefix="/network")
# Where its RADIUS server is asked for its state (RFC 5997); named as the API names them.
WATCHED = (
    Field("radius.address", "Address of its RADIUS server", hint="IPv4 or IPv6. Empty: not watched."),
    Field("radius.port", "Its port", "number", hint="Empty: 1812."),
    Field("radius.secret", "Its secret", "password",
          hint="With which it is asked for its state; needed again with every change."),
)  # fmt: skip
NEW = (
    Field("name", "Name", required=True, hint="Small letters, digits and -."),
    Field("address", "Its database", "password", required=True,
          hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE of its FreeRADIUS. Kept sealed."),
)  # fmt: skip
LIMITS = (
    Field("threshold", "It is a storm from so many cut-offs", "number", required=True),
    Field("window_seconds", "Within so many seconds", "number", required=True),
    Field("per_second", "Then so many go out in a second", required=True),
)


def _nested(body: dict[str, Any]) -> dict[str, Any]:
    """`radius.address` and its like as one member; null without an address."""
    inner = {name.removeprefix("radius."): body.pop(name) for name in list(body) if "." in name}
    return body | {"radius": inner if inner.get("address") else None}


@pages.route("/targets/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add RADIUS server", "Add it", (*NEW, *WATCHED), url_for("radius.targets"),
        "Every login is copied to its database; it answers once they are all there.",
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Answer:
        return apis().network.add_target(_nested(body), key)

    return ask(question, send, "Added: its database is being filled.")


@pages.route("/targets/<uuid:target_id>", methods=["GET", "POST"])
def edit(target_id: UUID) -> Page:
    network = apis().network

    def question(found: dict[str, Any]) -> Question:
        radius = found.get("radius") or {}
        return Question(
            f"RADIUS server {found['name']}", "Save", WATCHED, url_for("radius.targets"),
            values={f"radius.{name}": str(radius.get(name) or "") for name in ("address", "port")},
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Answer:
        return network.change_target(target_id, _nested(body), etag)

    return change(lambda: network.target(target_id), question, send, "Saved.")


@pages.route("/targets/<uuid:target_id>/remove", methods=["GET", "POST"])
def remove(target_id: UUID) -> Page:
    network = apis().network
    found = network.target(target_id)
    question = Question(
        f"Remove RADIUS server {found.body['name']}?", "Remove it", (), url_for("radius.targets"),
        "Nothing is written to its database any more. What is in it stays.", danger=True,
    )  # fmt: skip
    return ask(question, lambda *_: network.remove_target(target_id, found.etag), "Removed.")


@pages.route("/storm/limits", methods=["GET", "POST"])
def limits() -> Page:
    network = apis().network

    def question(found: dict[str, Any]) -> Question:
        return Question(
            "When cut-offs are a storm", "Save", LIMITS, url_for("radius.storm"),
            values=shown(LIMITS, found),
        )  # fmt: skip

    return change(network.storm, question, network.change_storm, "Saved.")
