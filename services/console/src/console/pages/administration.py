"""Administration › operations log (B21), and who looked at whom (A39)."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from console.context import apis
from console.formatting import words
from console.listing import Column, Filter, read
from console.pages.exports import service_named

pages = Blueprint("administration", __name__)

OPERATIONS = (
    Column("At", "at", "time", sort="at"),
    Column("Who", "actor"),
    Column("Did", "action", "code"),
    Column("To", "subject", "code", under=lambda item: words(item.get("subject_kind"))),
    Column("Change and reason", "before", "change", under="reason"),
)
OPERATIONS_FILTERS = (
    Filter("actor", "Who", kind="text"),
    Filter("action", "Action", kind="text"),
    Filter("subject", "Subject id", kind="text"),
)
LOOKS = (
    Column("At", "at", "time", sort="at"),
    Column("Who", "actor", under="ip"),
    Column("Looked at", "what", "code"),
    Column("Of", "subject", "code"),
    Column("Records", "records"),
    Column("Request", "request_id", "code", chosen=False),
)
LOOKS_FILTERS = (
    Filter("actor", "Who", kind="text"),
    Filter("what", "Looked at", kind="text"),
    Filter("subject", "Customer's id", kind="text"),
)


@pages.get("/operations")
def operations() -> str:
    service = request.args.get("service", "customers")
    listing = read(
        service_named(service).operations,
        OPERATIONS,
        table="operations",
        filters=OPERATIONS_FILTERS,
        sort="-at",
    )
    return render_template(
        "operations.html", listing=listing, service=service, services=tuple(apis().by_name),
        verdict=None,
    )  # fmt: skip


@pages.get("/operations/verify")
def verify() -> str:
    """Walk the chain of one service and show the first row that does not fit."""
    service = request.args.get("service", "customers")
    verdict = service_named(service).verify_operations().body
    return render_template("verdict.html", service=service, verdict=verdict)


@pages.get("/looks")
def looks() -> str:
    """Who looked at personal data or fetched it (A39)."""
    service = request.args.get("service", "customers")
    listing = read(
        service_named(service).looks, LOOKS, table="looks", filters=LOOKS_FILTERS, sort="-at"
    )
    return render_template(
        "list.html", listing=listing, title="Who looked", services=tuple(apis().by_name),
        service=service, empty="Nobody looked at anything yet.",
        about="Who of your branch looked at or fetched personal data, kept for a year.",
    )  # fmt: skip
