"""Customers › Customers: the list (C1–C54) and deleting what is ticked in it (D1–D4)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.formatting import HOLDS, REASONS, STATUSES
from console.forms import Form, filled, ticked
from console.listing import Column, Filter, Item, read

pages = Blueprint("customers", __name__)


def profile_of(item: Item) -> str:
    return url_for("profile.show", customer_id=item["id"])


def only(control: str) -> Any:
    """C42–C44: a column that says something of one kind of customer only."""
    return lambda item, value: value if item.get("balance_control") == control else None


COLUMNS = (
    Column("Status", "status", "status", sort="status"),
    Column("Name", "name", sort="name", link=profile_of, under="username"),
    Column("Package", "package_name"),
    Column("Balance control", "balance_control", "words", sort="balance_control"),
    Column("Currency", "currency", sort="currency"),
    Column("Balance", "balance", "amount", sort="balance", only=only("postpaid")),
    Column("Credit limit", "credit_limit", "amount", sort="credit_limit", only=only("postpaid")),
    Column(
        "Available funds", "available_funds", "amount", sort="available_funds", only=only("prepaid")
    ),
    Column("Customer number", "customer_number", sort="customer_number", chosen=False),
    Column("Username", "username", "code", sort="username", chosen=False),
    Column("Phone", "phone", chosen=False),
    Column("E-mail", "email", chosen=False),
    Column("Address", "address", "data", chosen=False),
    Column("Operator", "operator_name", chosen=False),
    Column("Service", "service_type", "words", chosen=False),
    Column("Paid until", "expires_at", "time", sort="expires_at", chosen=False),
    Column("Status since", "status_since", "time", chosen=False),
    Column("Legal hold", "legal_hold", "data", chosen=False),
    Column("Customer since", "created_at", "time", sort="created_at", chosen=False),
)
FILTERS = (
    Filter("status", "Status", tuple((name, each.label) for name, each in STATUSES.items())),
    Filter("hold", "Hold", tuple(HOLDS.items())),
    Filter(
        "balance_control", "Balance control", (("prepaid", "Prepaid"), ("postpaid", "Postpaid"))
    ),
)


@pages.get("/")
def home() -> Response:
    return redirect(url_for("customers.list_customers"))


@pages.get("/customers")
def list_customers() -> str:
    listing = read(
        apis().customers.customers, COLUMNS, table="customers", filters=FILTERS, total=True,
        search="Number, name, username, phone or e-mail",
    )  # fmt: skip
    return render_template("customers.html", listing=listing)


@pages.post("/customers/delete")
def confirm_delete() -> str | Response:
    """D4: nothing is deleted before it is said once more, with the reason."""
    ids = request.form.getlist("id")
    if not ids:
        tell("Tick the customers to delete first.", tone="problem")
        return redirect(url_for("customers.list_customers"), 303)
    return render_template("delete_many.html", ids=ids, form=Form(), reasons=REASONS)


@pages.post("/customers/delete/confirmed")
def delete_many() -> Response | tuple[str, int]:
    ids = request.form.getlist("id")
    body: dict[str, Any] = {"ids": ids, **filled("reason", "note"), "cascade": ticked("cascade")}
    try:
        job = apis().customers.delete_many(body, request.form["key"]).body
    except Refused as refused:
        form = Form.sent(refused)
        page = render_template("delete_many.html", ids=ids, form=form, reasons=REASONS)
        return page, refused.status
    tell(f"Deleting {len(ids)} customers. They stay in Deleted Customers and can be restored.")
    return redirect(url_for("jobs.show", service="customers", job_id=job["id"]), 303)
