"""Administration › Retention: how long the deleted are kept, per reason and data class, and whom the purge
takes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, render_template, url_for

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, change, shown
from console.context import apis
from console.formatting import REASONS

pages = Blueprint("retention", __name__, url_prefix="/retention")
SOON = timedelta(days=30)
DAYS = ("retain_days", "sessions_days", "billing_days")
MODES = (
    ("pseudonymise", "The person; bills and payments stay without a name"),
    ("everything", "Everything, with billing history and payment records"),
)
FIELDS = (
    Field("retain_days", "Kept for (days)", "number", hint="Empty: never erased by itself."),
    Field(
        "sessions_days", "Sessions and usage kept for (days)", "number",
        hint="What the network keeps. Empty: as long as the customer; never longer.",
    ),
    Field(
        "billing_days", "Billing kept for (days)", "number",
        hint="Bills and payments without a person. Empty: for good, or as the choice below says.",
    ),
    Field("mode", "What is removed then", "choice", required=True, options=MODES),
)  # fmt: skip


@pages.get("")
def show() -> str:
    customers = apis().customers
    soon = customers.preview_retention({"until": (datetime.now(UTC) + SOON).isoformat()})
    return render_template(
        "retention.html", found=customers.retention().body, soon=soon, modes=dict(MODES)
    )


@pages.route("/<reason>", methods=["GET", "POST"])
def edit(reason: str) -> Page:
    customers = apis().customers

    def question(found: dict[str, Any]) -> Question:
        policy = next((each for each in found["items"] if each["reason"] == reason), None)
        if policy is None:
            abort(404)
        return Question(
            f"Deleted for the reason “{REASONS.get(reason, reason)}”", "Keep it so",
            FIELDS, url_for("retention.show"),
            "Counts for those deleted already too. See under Retention whom it takes.",
            values=shown(FIELDS, policy),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Answer:
        item = {"reason": reason} | dict.fromkeys(DAYS) | body
        try:
            return customers.set_retention([item], etag)
        except Refused as refused:
            refused.faults = [
                replace(fault, field=fault.field.removeprefix("items.0."))
                for fault in refused.faults
            ]
            raise

    done = "Kept. A job counts anew for those deleted already."
    return change(customers.retention, question, send, done)
