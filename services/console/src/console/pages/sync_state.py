"""Network › reconciliations and dead letters: does the network say what the books say?"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.failures import warn
from console.forms import ticked
from console.listing import Column, Item, read
from console.pages.exports import service_named

pages = Blueprint("sync_state", __name__, url_prefix="/network")


def reconciliation_of(item: Item) -> str:
    return url_for("sync_state.reconciliation", reconciliation_id=item["id"])


RECONCILIATIONS = (
    Column("Begun", "started_at", "time", sort="started_at", link=reconciliation_of),
    Column("Ended", "finished_at", "time"),
    Column("By", "actor"),
    Column("Repairs", "heal", "yes_no"),
    Column("Compared", "checked"),
    Column("Drift", "drift", "data"),
    Column("Repaired", "healed"),
)
LETTERS = (
    Column("Event", "type", "code"),
    Column("From", "source"),
    Column("About", "subject", "code"),
    Column("Why it was not taken", "error"),
    Column("Attempts", "attempts"),
    Column("Last", "last_at", "time", sort="last_at"),
)


@pages.get("/reconciliations")
def reconciliations() -> str:
    listing = read(apis().network.reconciliations, RECONCILIATIONS, table="reconciliations")
    return render_template("reconciliations.html", listing=listing)


@pages.post("/reconciliations")
def reconcile() -> Response:
    """Compare what should be with what is, and with `heal` repair it."""
    try:
        begun = apis().network.reconcile(heal=ticked("heal"), key=request.form["key"]).body
    except Refused as refused:
        warn(refused, "Not begun")
        return redirect(url_for("sync_state.reconciliations"), 303)
    tell("The comparison runs. Its report stands under Reconciliations when it has ended.")
    return redirect(url_for("jobs.show", service="radius-sync", job_id=begun["id"]), 303)


@pages.get("/reconciliations/<uuid:reconciliation_id>")
def reconciliation(reconciliation_id: UUID) -> str:
    found = apis().network.reconciliation(reconciliation_id).body
    return render_template("reconciliation.html", found=found)


@pages.get("/dead-letters")
def dead_letters() -> str:
    service = request.args.get("service", "radius-sync")
    listing = read(
        service_named(service).dead_letters, LETTERS, table="dead_letters", sort="-last_at"
    )
    return render_template(
        "dead_letters.html", listing=listing, service=service, services=tuple(apis().by_name)
    )


@pages.post("/dead-letters/<service>/<uuid:event_id>/<any(replay, skip):what>")
def move_letter(service: str, event_id: UUID, what: str) -> Response:
    try:
        service_named(service).move_dead_letter(event_id, what)
    except Refused as refused:
        warn(refused, "Not done")
    else:
        tell("Taken again." if what == "replay" else "Skipped. The operations log keeps who did.")
    return redirect(url_for("sync_state.dead_letters", service=service), 303)
