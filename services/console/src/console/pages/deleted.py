"""Customers › Deleted Customers: find, edit, restore (seed A, B, D15–D19)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.formatting import REASONS, words
from console.forms import Form, filled
from console.listing import Column, Filter, Item, read

pages = Blueprint("deleted", __name__, url_prefix="/deleted-customers")
Page = str | Response | tuple[str, int]

# What may clash with somebody alive, and may be given anew at restore (B13, B14).
CLASHING = ("username", "email", "phone", "customer_number", "static_address")
TEXTS = ("name", "email", "phone", "note")


def record_of(item: Item) -> str:
    return url_for("deleted.show", customer_id=item["id"])


COLUMNS = (  # A12–A18
    Column("Customer Name", "name", sort="name", link=record_of),
    Column("Username", "username", sort="username"),
    Column("Phone", "phone"),
    Column("Package", "package_name", sort="package_name"),
    Column("Operator", "operator_name", sort="operator_name"),
    Column("Deleted At", "deleted_at", "time", sort="deleted_at"),
    Column("Deleted By", "deleted_by", sort="deleted_by"),
    Column("Customer number", "customer_number", sort="customer_number", chosen=False),
    Column("E-mail", "email", chosen=False),
    Column("Reason", "reason", "words", chosen=False),
    Column("Note", "note", chosen=False),
    Column("May be erased after", "erase_after", "time", chosen=False),
)
FILTERS = (Filter("reason", "Reason", tuple(REASONS.items())),)


@pages.get("")
def list_deleted() -> str:
    listing = read(
        apis().customers.deleted, COLUMNS, table="deleted_customers", filters=FILTERS,
        total=True, sort="-deleted_at", search="Name, username, phone, number, id or e-mail",
    )  # fmt: skip
    return render_template("deleted.html", listing=listing)


@pages.get("/<uuid:customer_id>")
def show(customer_id: UUID) -> Page:
    """D16: the record as it was, and the form that mends it."""
    found = apis().customers.deleted_one(customer_id)
    return _record(found.body, Form(found.body, etag=found.etag))


@pages.post("/<uuid:customer_id>")
def change(customer_id: UUID) -> Page:
    body = {name: request.form.get(name, "").strip() or None for name in TEXTS}
    services = apis().customers
    try:
        services.change_deleted(customer_id, body, request.form["etag"])
    except Refused as refused:
        now = services.deleted_one(customer_id)
        there = {name: now.body.get(name) or "" for name in TEXTS}
        return _record(now.body, Form.again(refused, now.etag, there)), refused.status
    tell("Saved. The operations log keeps what it was before.")
    return redirect(url_for("deleted.show", customer_id=customer_id), 303)


def _record(record: dict[str, Any], form: Form) -> str:
    return render_template("deleted_record.html", record=record, form=form)


@pages.post("/<uuid:customer_id>/restore")
def restore(customer_id: UUID) -> Page:
    """A26. A clash with somebody alive comes back as a form with suggestions filled in (B13, B14)."""
    services = apis().customers
    try:
        body = services.restore(customer_id, filled(*CLASHING), request.form["key"]).body
    except Refused as refused:
        if refused.status != 409 or not refused.by_field:
            raise
        record = services.deleted_one(customer_id).body
        return render_template("restore_clash.html", record=record, form=_resolution(refused)), 409
    tell(
        f"{body['name']} is restored with the whole profile, as inactive.",
        *_findings(body.get("integrity") or {}),
        "To bring back internet access, assign a package and renew it below.",
    )
    return redirect(url_for("profile.show", customer_id=customer_id), 303)


def _resolution(refused: Refused) -> Form:
    """Each clashing field with what the person gave, else with the first suggestion."""
    first = {f.field: f.suggestions[0] for f in refused.faults if f.suggestions}
    return Form(first | filled(*CLASHING), refused)


def _findings(report: dict[str, Any]) -> list[str]:
    """B17–B20 by machine: one line in all, or one for each check that failed."""
    checks = report.get("checks") or {}
    failed = [f"Check failed: {words(name)}." for name, passed in checks.items() if not passed]
    moved = [
        f"Since the deletion {words(name).lower()} changed from {was['at_deletion']} to {was['now']}."
        for name, was in (report.get("differs_from_deletion") or {}).items()
    ]
    return (failed or [f"All {len(checks)} integrity checks passed."]) + moved


@pages.post("/restore")
def restore_many() -> Response:
    """D18: several at once; those that clash are reported by the job, row by row."""
    ids = request.form.getlist("id")
    if not ids:
        tell("Tick the customers to restore first.", tone="problem")
        return redirect(url_for("deleted.list_deleted"), 303)
    job = apis().customers.restore_many({"ids": ids}, request.form["key"]).body
    tell(f"Restoring {len(ids)} customers, as inactive.")
    return redirect(url_for("jobs.show", service="customers", job_id=job["id"]), 303)
