"""One customer's account: the ledger line by line (E27), and what is credited, asked for or given up."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.asking import Field, Page, Question, ask, in_site_currency
from console.context import apis
from console.listing import Column, Item, read

pages = Blueprint("accounts", __name__, url_prefix="/customers/<uuid:customer_id>")
REASON = Field("reason", "Reason", required=True, hint="It stands in the books.")


def origin_of(item: Item) -> str:
    """The bill or payment behind a line."""
    if item["payment_id"]:
        return url_for("payments.show", payment_id=item["payment_id"])
    return url_for("bills.show", bill_id=item["bill_id"]) if item["bill_id"] else ""


LINES = (
    Column("At", "at", "time", sort="at"),
    Column("What", "kind", "words", link=origin_of, under="number"),
    Column("Payment method", "method", "words"),
    Column("Amount", "amount", "money"),
    Column("Balance after it", "balance", "money"),
    Column("Recorded", "recorded_at", "time", chosen=False),
)


@pages.get("/statement")
def statement(customer_id: UUID) -> str:
    """Bills, payments, voids and refunds, newest first, with the balance after each."""
    services = apis()
    customer = services.customers.customer(customer_id).body
    listing = read(
        lambda query: services.payments.statement(customer_id, query), LINES, table="statement"
    )
    return render_template(
        "list.html", listing=listing, title=f"Statement of {customer['name']}",
        tools=(
            ("Adjust", url_for("accounts.adjust", customer_id=customer_id), "adjustments.write"),
            ("Write off", url_for("accounts.write_off", customer_id=customer_id), "write_offs.write"),
            ("To the profile", url_for("profile.show", customer_id=customer_id), "customers.read"),
        ),
        about="The ledger line by line: nothing is ever changed in it, only added.",
        empty="Nothing was booked yet.",
    )  # fmt: skip


@pages.route("/adjust", methods=["GET", "POST"])
def adjust(customer_id: UUID) -> Page:
    """Money on account, or a bill for more."""
    ways = (("credit", "Credit: the customer owes less"), ("debit", "Debit: a bill for more"))
    question = Question(
        "Adjust the account", "Book it",
        (Field("direction", "Which way", "choice", required=True, options=ways),
         Field("amount", "Amount", "money", required=True), REASON),
        url_for("accounts.statement", customer_id=customer_id), values=in_site_currency("amount"),
    )  # fmt: skip
    send = apis().payments.adjust
    return ask(question, lambda body, key: send(customer_id, body, key), "Booked.")


@pages.route("/write-off", methods=["GET", "POST"])
def write_off(customer_id: UUID) -> Page:
    question = Question(
        "Write off", "Give it up",
        (Field("amount", "Amount", "money", hint="Empty: all that is owed."), REASON),
        url_for("accounts.statement", customer_id=customer_id),
        "What is owed is given up, the oldest bill first. A suspension for it ends.", danger=True,
        values=in_site_currency("amount"),
    )  # fmt: skip
    send = apis().payments.write_off
    return ask(question, lambda body, key: send(customer_id, body, key), "Given up.")
