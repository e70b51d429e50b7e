"""Bills & Payments › Customer Bills: what customers owe (E25)."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from console.context import apis
from console.listing import Column, Filter, Item, read

pages = Blueprint("bills", __name__, url_prefix="/bills")
STATES = ("open", "partly_paid", "paid", "overdue", "void")


def customer_of(item: Item) -> str:
    return url_for("profile.show", customer_id=item["customer_id"])


COLUMNS = (
    Column("Bill", "number", link=customer_of),
    Column("Customer", "customer_name"),
    Column("Total", "total", "money"),
    Column("Paid", "paid", "money"),
    Column("Due", "due_at", "time", sort="due_at"),
    Column("State", "status", "words"),
    Column("Username", "username", "code", chosen=False),
    Column("Issued", "issued_at", "time", sort="issued_at", chosen=False),
    Column("Tax", "tax", "money", chosen=False),
)
FILTERS = (Filter("status", "State", tuple((s, s.replace("_", " ").capitalize()) for s in STATES)),)


@pages.get("")
def list_bills() -> str:
    listing = read(apis().payments.bills, COLUMNS, table="bills", filters=FILTERS)
    return render_template(
        "list.html", listing=listing, title="Customer Bills", section="bills",
        about="What customers owe. What was received is under Customer Payments.",
        empty="No bills yet. A bill is issued when a package is activated.",
    )  # fmt: skip
