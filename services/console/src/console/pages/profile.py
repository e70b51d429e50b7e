"""One customer: facts, why offline, money, holds, history, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused, Silent
from console.context import apis, may, tell
from console.failures import warn
from console.formatting import HOLDS
from console.forms import Form, filled
from console.times import end_of

pages = Blueprint("profile", __name__, url_prefix="/customers/<uuid:customer_id>")
# The holds that a person sets by hand; the others are set and lifted by the system.
BY_HAND = ("admin", "fraud", "vacation")
RECENT = 10


@dataclass(frozen=True)
class Part:
    """What one call brought; `missing` says why nothing came. No part takes another along."""

    value: Any = None
    missing: str = ""

    @classmethod
    def of(cls, fetch: Callable[[], Any]) -> Part:
        try:
            return cls(fetch())
        except Silent as error:
            return cls(missing=f"{error.service} does not answer; the rest of the page holds.")
        except Refused as error:
            return cls(missing=error.detail or error.title)


@pages.get("")
def show(customer_id: UUID) -> str | Response:
    services = apis()
    try:
        found = services.customers.customer(customer_id)
    except Refused as refused:
        if refused.kind == "deleted":
            return redirect(url_for("deleted.show", customer_id=customer_id))
        raise
    customer = found.body
    recent = {"customer_id": customer_id, "limit": RECENT}
    about = services.customers.about
    return render_template(
        "profile.html",
        customer=customer,
        etag=found.etag,
        why=Part.of(lambda: about(customer_id, "why-offline")),
        integrity=Part.of(lambda: about(customer_id, "integrity")),
        history=Part.of(lambda: about(customer_id, "status-history")),
        accounts=Part.of(lambda: about(customer_id, "accounts")),
        balance=Part.of(lambda: services.payments.balance(customer_id)),
        payments=Part.of(lambda: services.payments.payments(recent)),
        subscriber=Part.of(lambda: services.network.subscriber(customer["username"]).body),
        packages=Part.of(lambda: packages_on_sale()) if may("packages.read") else Part({}),
        holds=[(kind, HOLDS[kind]) for kind in BY_HAND],
        by_hand=BY_HAND,
        form=Form(),
    )


def packages_on_sale() -> list[tuple[str, str]]:
    """(id, name) of what can be assigned."""
    items = apis().customers.packages({"limit": 200})["items"]
    return [(each["id"], each["name"]) for each in items if not each.get("retired")]


@pages.post("/activate")
def activate(customer_id: UUID) -> Response:
    """A29: assign the package and renew; only then does the network let the customer in (A31)."""
    body = filled("package_id") | {"renew": True}
    return _do(customer_id, "activate", body, "Activated and renewed")


@pages.post("/holds")
def add_hold(customer_id: UUID) -> Response:
    body = filled("kind", "reason")
    if until := filled("until"):
        body["until"] = end_of(until["until"])
    return _do(customer_id, "holds", body, "The hold is set")


@pages.post("/holds/<hold_id>/lift")
def lift_hold(customer_id: UUID, hold_id: str) -> Response:
    services = apis().customers
    try:
        services.lift_hold(customer_id, hold_id, request.form.get("etag", "*"))
    except Refused as refused:
        warn(refused, "The hold stays")
    else:
        tell("The hold is lifted.")
    return redirect(url_for("profile.show", customer_id=customer_id), 303)


@pages.post("/lift-suspension")
def lift_suspension(customer_id: UUID) -> Response:
    """C13, C14: delay the suspension until a date."""
    body = filled("reason") | {"until": end_of(request.form["until"])}
    return _do(customer_id, "lift-suspension", body, "The suspension is lifted until that day")


@pages.post("/data")
def collect_data(customer_id: UUID) -> Response:
    """All that every service holds on this person, as a ZIP that lives for a day."""
    try:
        begun = apis().customers.collect_data(customer_id, request.form["key"]).body
    except Refused as refused:
        warn(refused, "Not begun")
        return redirect(url_for("profile.show", customer_id=customer_id), 303)
    shown = url_for("exports.show", service="customers", export_id=begun["export_id"])
    return redirect(shown, 303)


@pages.post("/close")
def close(customer_id: UUID) -> Response:
    """C3, C4: for good; no further operation is possible."""
    return _do(customer_id, "close", filled("reason"), "Closed")


def _do(customer_id: UUID, verb: str, body: dict[str, Any], done: str) -> Response:
    try:
        apis().customers.act(customer_id, verb, body, request.form["key"])
    except Refused as refused:
        warn(refused, "Not done")
    else:
        tell(f"{done}.")
    return redirect(url_for("profile.show", customer_id=customer_id), 303)
