"""Bills & Payments › Customer Bills: what customers owe (E25)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.asking import Field, Page, Question, ask
from console.context import apis
from console.formatting import choices, money
from console.listing import Column, Filter, Item, read

pages = Blueprint("bills", __name__, url_prefix="/bills")
TABS = (
    ("Bills", "bills.list_bills", "bills.read"),
    ("Proforma bills", "billing.proformas", "bills.read"),
    ("Credits", "billing.credits", "payments.read"),
)
STATES = ("open", "partly_paid", "paid", "overdue", "void")


def bill_of(item: Item) -> str:
    return url_for("bills.show", bill_id=item["id"])


def customer_of(item: Item) -> str:
    return url_for("profile.show", customer_id=item["customer_id"])


COLUMNS = (
    Column("Bill", "number", link=bill_of),
    Column("Customer", "customer_name", link=customer_of),
    Column("Total", "total", "money"),
    Column("Paid", "paid", "money"),
    Column("Due", "due_at", "time", sort="due_at"),
    Column("State", "status", "words"),
    Column("Username", "username", "code", chosen=False),
    Column("Issued", "issued_at", "time", sort="issued_at", chosen=False),
    Column("Tax", "tax", "money", chosen=False),
)
FILTERS = (
    Filter("status", "State", choices(*STATES)),
    Filter("from", "From", kind="date"),
    Filter("to", "To", kind="date"),
)


@pages.get("")
def list_bills() -> str:
    listing = read(
        apis().payments.bills, COLUMNS, table="bills", filters=FILTERS,
        search="Number, name or username",
    )  # fmt: skip
    return render_template(
        "list.html", listing=listing, title="Customer Bills", tabs=TABS,
        about="What customers owe. What was received is under Customer Payments.",
        empty="No bills yet. A bill is issued when a package is activated.",
    )  # fmt: skip


@pages.get("/<uuid:bill_id>")
def show(bill_id: UUID) -> str:
    """The bill with its items, which prints as it stands."""
    return render_template("bill.html", bill=apis().payments.bill(bill_id))


@pages.route("/<uuid:bill_id>/void", methods=["GET", "POST"])
def void(bill_id: UUID) -> Page:
    """The bill never was."""
    services = apis().payments
    bill = services.bill(bill_id)
    question = Question(
        f"Void bill {bill['number']} of {money(bill['total'])}?", "Void it",
        (Field("reason", "Reason", required=True),), url_for("bills.show", bill_id=bill_id),
        "It never was: what was paid on it pays other bills, or waits as funds.", danger=True,
    )  # fmt: skip
    return ask(question, lambda body, key: services.void_bill(bill_id, body, key), "It is void.")
