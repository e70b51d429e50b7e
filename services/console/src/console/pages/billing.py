"""Bills & Payments › bills by hand, proforma bills, and what was credited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.asking import Field, Page, Question, ask
from console.context import apis
from console.failures import attempt
from console.formatting import choices, money
from console.forms import Form
from console.listing import Action, Column, Filter, Item, read
from console.pages.bills import TABS, customer_of
from console.times import end_of

pages = Blueprint("billing", __name__)
# What a line of a bill by hand is made of.
LINE = ("description", "amount")
REASON = Field("reason", "Reason", required=True, hint="It stands in the books.")


def bill_of(item: Item) -> str:
    return url_for("bills.show", bill_id=item["bill_id"]) if item["bill_id"] else ""


def is_standing(item: Item) -> bool:
    """Whether some of the credit is not taken back yet."""
    return bool(item["reversed"] != item["amount"])


PROFORMAS = (
    Column("Number", "number", link=bill_of),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Total", "total", "money"),
    Column("To pay", "to_pay", "money"),
    Column("Due", "due_at", "time"),
    Column("State", "state", "words"),
    Column("Announced", "announced_at", "time", chosen=False),
    Column("Tax", "tax", "money", chosen=False),
)
ISSUE = Action(
    "Bill it now", lambda item: url_for("billing.issue", proforma_id=item["id"]), "bills.write",
    lambda item: item["state"] == "open", of="number",
)  # fmt: skip
CREDITS = (
    Column("Number", "number"),
    Column("Kind", "kind", "words", under="reason"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Amount", "amount", "money"),
    Column("Taken back", "reversed", "money"),
    Column("Bill", "bill_id", link=bill_of, only=lambda _, bill: "To the bill" if bill else None),
    Column("At", "created_at", "time", sort="created_at"),
    Column("By", "operator_name", chosen=False),
)
REVERSE = Action(
    "Take back", lambda item: url_for("billing.reverse", credit_id=item["id"]), "credits.reverse",
    is_standing, asks=True, danger=True, of="number",
)  # fmt: skip


@pages.get("/proforma-bills")
def proformas() -> str:
    states = Filter("state", "State", choices("open", "issued", "replaced", "withdrawn", "lapsed"))
    listing = read(
        apis().payments.proformas, PROFORMAS, table="proforma_bills", filters=(states,),
        search="Number, name or username",
    )  # fmt: skip
    return render_template(
        "list.html", listing=listing, title="Proforma bills", tabs=TABS, actions=(ISSUE,),
        about="What the next period will cost, told before it begins. Nothing of it is owed yet.",
        empty="No period begins soon.",
    )  # fmt: skip


@pages.post("/proforma-bills/<uuid:proforma_id>/issue")
def issue(proforma_id: UUID) -> Response:
    attempt(lambda: apis().payments.issue_proforma(proforma_id), "The bill is issued.")
    return redirect(url_for("billing.proformas"), 303)


@pages.get("/credits")
def credits() -> str:
    kinds = Filter("kind", "Kind", choices("adjustment", "credit_note", "write_off"))
    days = (Filter("from", "From", kind="date"), Filter("to", "To", kind="date"))
    listing = read(apis().payments.credits, CREDITS, table="credits", filters=(kinds, *days))
    return render_template(
        "list.html", listing=listing, title="Credits", tabs=TABS, actions=(REVERSE,),
        about="Adjustments, credit notes and what was written off.", empty="Nothing was credited yet.",
    )  # fmt: skip


@pages.route("/credits/<uuid:credit_id>/reverse", methods=["GET", "POST"])
def reverse(credit_id: UUID) -> Page:
    services = apis().payments
    found = services.credit(credit_id)
    question = Question(
        f"Take back {money(found['amount'])} to {found['customer_name']}?", "Take it back", (REASON,),
        url_for("billing.credits"), "What it covered is owed again.", danger=True,
    )  # fmt: skip
    done = "Taken back."
    return ask(question, lambda body, key: services.reverse_credit(credit_id, body, key), done)


@pages.route("/bills/<uuid:bill_id>/credit-note", methods=["GET", "POST"])
def credit_note(bill_id: UUID) -> Page:
    """A part of the bill, or all that is left of it."""
    services = apis().payments
    bill = services.bill(bill_id)
    question = Question(
        f"Credit note to bill {bill['number']}", "Credit it",
        (Field("amount", "Amount", "money", hint="Empty: all that is left of the bill."), REASON),
        url_for("bills.show", bill_id=bill_id), "The bill becomes less by it, with its tax.",
        values={"amount_currency": bill["total"]["currency"]},
    )  # fmt: skip
    return ask(question, lambda body, key: services.note_credit(bill_id, body, key), "Credited.")


@pages.route("/customers/<uuid:customer_id>/bills/new", methods=["GET", "POST"])
def add(customer_id: UUID) -> Page:
    """For what no package charges: an installation, a router. `more` asks for another line."""
    customer = apis().customers.customer(customer_id).body
    if request.method == "GET":
        return _bill_form(customer, Form(), 1)
    lines, due, key = _lines(), request.form.get("due_at", ""), request.form["key"]
    # Named as the API names them, so that what it says of one stands beside it.
    typed = {
        f"items.{n}.{name}": text for n, line in enumerate(lines) for name, text in line.items()
    }
    typed |= {"due_at": due}
    if "more" in request.form:
        return _bill_form(customer, Form(typed, key=key), len(lines) + 1)
    bill = {"customer_id": str(customer_id), "items": [_item(line, customer) for line in lines]}
    try:
        made = apis().payments.issue_bill(bill | ({"due_at": end_of(due)} if due else {}), key)
    except Refused as refused:
        return _bill_form(customer, Form(typed, refused, key), len(lines)), refused.status
    return redirect(url_for("bills.show", bill_id=made.body["id"]), 303)


def _lines() -> list[dict[str, str]]:
    """What was typed, one after another; an empty line is none, but there is always a first one."""
    columns = [request.form.getlist(name) for name in LINE]
    rows = ([text.strip() for text in row] for row in zip(*columns, strict=False))
    return [dict(zip(LINE, row, strict=True)) for row in rows if any(row)] or [
        dict.fromkeys(LINE, "")
    ]


def _item(line: dict[str, str], customer: Item) -> dict[str, Any]:
    item: dict[str, Any] = {name: text for name, text in line.items() if text}
    if "amount" in item:
        item["amount"] = {"amount": item["amount"], "currency": customer["currency"]}
    return item


def _bill_form(customer: Item, form: Form, lines: int) -> str:
    return render_template("bill_new.html", customer=customer, form=form, lines=lines)
