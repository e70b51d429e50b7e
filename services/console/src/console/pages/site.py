"""Administration › Settings: the rules that the site sets for itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for

from console.asking import Field, Page, Question, change, shown
from console.context import apis
from console.times import zone

pages = Blueprint("site", __name__)
BLOCKERS = (
    ("open_accounts", "Open accounts"),
    ("open_balance", "A balance that is not zero"),
    ("legal_hold", "A legal hold"),
)
RULES = (
    Field("deletion_blockers", "What keeps a customer from being deleted", "ticks", options=BLOCKERS),
    Field("reserved_login_days", "Days for which a deleted login stays reserved", "number",
          required=True, hint="0: free at once."),
    Field("portal_authentication_field", "Customers sign in to the portal with", "choice",
          required=True, options=(("login", "Username"), ("email", "E-mail"))),
    Field("lift_suspension_days", "Longest postponement of a suspension (days)", "number", required=True),
    Field("lift_suspensions_a_quarter", "Postponements in 90 days that no payment ended", "number",
          required=True),
    Field("cooling_hours", "Hours in which an erasure can be taken back", "number", required=True),
    Field("erasure_approval", "A second person approves each erasure", "tick"),
    Field("purge_paused", "The nightly purge is paused", "tick",
          hint="Nobody is erased by itself then, however old the record."),
    Field("purge_limit", "At most so many erasures in one purge", "number", required=True),
    Field("default_currency", "Currency", required=True, hint="ISO 4217, such as BDT."),
    Field("default_region", "Country of phone numbers typed without one", required=True,
          hint="ISO 3166, such as BD."),
)  # fmt: skip


@pages.route("/settings", methods=["GET", "POST"])
def edit() -> Page:
    customers = apis().customers

    def question(found: dict[str, Any]) -> Question:
        return Question(
            "Settings", "Save", RULES, url_for("site.edit"),
            "For the whole site, from now on. The operations log keeps before and after."
            f" Days begin at midnight of {zone()}: TENURE_TIME_ZONE, the same for every role.",
            values=shown(RULES, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return customers.change_site({"deletion_blockers": []} | body, etag)

    return change(customers.site, question, send, "Saved.")
