"""Customers › Customers: holding and renewing what is ticked in the list, as jobs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer
from console.asking import Field, Page, Question, answer, show
from console.context import apis, tell
from console.formatting import HOLDS
from console.pages.profile import BY_HAND, packages_on_sale
from console.times import end_of

pages = Blueprint("bulk", __name__, url_prefix="/customers")


@pages.post("/<any(hold, renew):what>")
def confirm(what: str) -> Page:
    """Nothing is done before it is said once more."""
    if not request.form.getlist("id"):
        tell("Tick the customers first.", tone="problem")
        return redirect(url_for("customers.list_customers"), 303)
    return show(_question(what))


@pages.post("/<any(hold, renew):what>/confirmed")
def do(what: str) -> Page:
    customers = apis().customers
    ids = request.form.getlist("id")

    def hold(body: dict[str, Any], key: str) -> Answer:
        if body.get("until"):
            body["until"] = end_of(body["until"])
        return customers.hold_many(body | {"ids": ids}, key)

    def renew(body: dict[str, Any], key: str) -> Answer:
        return customers.activate_many(body | {"ids": ids, "renew": True}, key)

    return answer(_question(what), hold if what == "hold" else renew, then=_to_job)


def _question(what: str) -> Question:
    ids = request.form.getlist("id")
    who = "1 customer" if len(ids) == 1 else f"{len(ids)} customers"
    back, action = url_for("customers.list_customers"), url_for("bulk.do", what=what)
    if what == "hold":
        kinds = tuple((kind, HOLDS[kind]) for kind in BY_HAND)
        fields = (
            Field("kind", "Kind", "choice", required=True, options=kinds),
            Field("reason", "Reason", required=True),
            Field("until", "Last day", "date", hint="Empty: until it is lifted."),
        )
        lead = "They lose access to the network at once. Undo of the job lifts what it has set."
        return Question(
            f"Hold {who}?", "Hold", fields, back, lead, danger=True, ids=ids, action=action
        )
    package = Field("package_id", "Package", "choice", options=packages_on_sale(),
                    hint="None chosen: each the own one.")  # fmt: skip
    lead = "Each is billed for the next period and may be online at once."
    return Question(f"Renew {who}?", "Renew", (package,), back, lead, ids=ids, action=action)


def _to_job(said: Answer) -> Response:
    return redirect(url_for("jobs.show", service="customers", job_id=said.body["id"]), 303)
