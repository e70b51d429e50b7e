"""Administration › Operators › Hold: an operator with everybody below, blocked or suspended at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, url_for

from console.api_client import Answer
from console.asking import Field, Page, Question, ask
from console.context import apis
from console.formatting import HOLDS
from console.times import end_of

pages = Blueprint("operator_holds", __name__, url_prefix="/operators/<uuid:operator_id>/holds")
KINDS = (
    ("reseller", "Suspended: the reseller has to pay first"),
    ("admin", "Blocked by the administrator"),
    ("fraud", "Blocked for fraud"),
)


@pages.route("/new", methods=["GET", "POST"])
def add(operator_id: UUID) -> Page:
    services = apis().customers
    found = services.operator(operator_id).body
    question = Question(
        f"Hold everybody below {found['name']}?", "Hold them",
        (
            Field("kind", "How", "choice", required=True, options=KINDS), Field("reason", "Reason"),
            Field("until", "Last day", "date", hint="Empty: until it is lifted."),
        ),
        url_for("operators.list_operators"),
        "Every customer of the operator, and of operators below, loses access at once.", danger=True,
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Answer:
        if body.get("until"):
            body["until"] = end_of(body["until"])
        return services.hold_operator(operator_id, body, key)

    return ask(question, send, "Held, with everybody below.")


@pages.route("/lift", methods=["GET", "POST"])
def lift(operator_id: UUID) -> Page:
    services = apis().customers
    found = services.operator(operator_id).body
    kinds = tuple((kind, HOLDS.get(kind, kind)) for kind in found.get("holds") or ())
    question = Question(
        f"Lift a hold of {found['name']}", "Lift it",
        (Field("kind", "Which", "choice", required=True, options=kinds),),
        url_for("operators.list_operators"),
        "Whoever below has no hold of their own gets back what they had, at once.",
    )  # fmt: skip

    def send(body: dict[str, Any], _: str) -> Answer:
        return services.lift_operator_hold(operator_id, str(body.get("kind", "")))

    return ask(question, send, "Lifted.")
