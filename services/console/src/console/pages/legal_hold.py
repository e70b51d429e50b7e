"""A case at law about one customer, living or deleted: until it is over nobody can erase the record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, url_for

from console.api_client import Answer
from console.asking import Field, Page, Question, ask
from console.context import apis
from console.times import end_of

pages = Blueprint("legal_hold", __name__, url_prefix="/customers/<uuid:customer_id>/legal-hold")


@pages.route("", methods=["GET", "POST"])
def add(customer_id: UUID) -> Page:
    question = Question(
        "Set a legal hold", "Set it",
        (
            Field("case", "Case", required=True, hint="Whose demand, or the court's number."),
            Field("until", "Last day", "date", hint="Empty: until it is lifted."),
        ),
        # A deleted customer's profile leads on to the deleted record.
        url_for("profile.show", customer_id=customer_id),
        "Until the case is over nothing of this customer is erased, by whomever and whatever.",
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Answer:
        if body.get("until"):
            body["until"] = end_of(body["until"])
        return apis().customers.act(customer_id, "legal-hold", body, key)

    return ask(question, send, "The legal hold stands.")


@pages.route("/lift", methods=["GET", "POST"])
def lift(customer_id: UUID) -> Page:
    question = Question(
        "Lift the legal hold?", "The case is over", (),
        url_for("profile.show", customer_id=customer_id),
        "The record may be erased then, if its time of keeping is over.", danger=True,
    )  # fmt: skip
    lift_it = apis().customers.lift_legal_hold
    return ask(question, lambda *_: lift_it(customer_id), "Lifted.")
