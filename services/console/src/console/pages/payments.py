"""Accounts › Customer Payments: every payment received (seed E)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused, Silent
from console.asking import Field, Page, Question, ask
from console.context import apis, tell
from console.failures import warn
from console.formatting import METHODS, money, words
from console.listing import Action, Column, Filter, Item, Listing, read
from console.times import zone

pages = Blueprint("payments", __name__, url_prefix="/payments")
Named = tuple[str, str]
# More than this nobody looks through: they are searched.
MOST_OFFERED = 200


def customer_of(item: Item) -> str:
    return url_for("profile.show", customer_id=item["customer_id"])


def taken_back(item: Item) -> str:
    """A payment that no longer counts in full must not look like money received (E2)."""
    status = item.get("status") or "recorded"
    return "" if status == "recorded" else words(status)


COLUMNS = (  # E5–E12
    Column("Customer Name", "customer_name", link=customer_of),
    Column("Username", "username"),
    Column("Amount", "amount", "money", sort="amount", under=taken_back),
    Column("Payment Method", "method", "words"),
    Column("Date & Time", "recorded_at", "time", sort="recorded_at"),
    Column("Operator", "operator_name"),
    Column("Transaction Reference", "transaction_reference", "code"),
    Column("Note", "note"),
    Column("Receipt", "receipt_number", "code", chosen=False),
    Column("State", "status", "words", chosen=False),
    Column("Paid", "paid_at", "time", sort="paid_at", chosen=False),
    Column("Settled", "settled_at", "time", chosen=False),
    Column("Gateway", "gateway", "words", chosen=False),
    Column("Payment's id", "id", "code", chosen=False),
)


ACTIONS = (
    Action("Open", lambda item: url_for("payments.show", payment_id=item["id"]), asks=True,
           of="customer_name"),
)  # fmt: skip


def filters(operators: Sequence[Named], *, searched: bool) -> tuple[Filter, ...]:
    """E13–E15. More operators than a choice can offer are searched by name."""
    looked_for = (Filter("operator", "Operator's name", kind="text", sent=False),)
    return (
        Filter("from", "From", kind="date"),
        Filter("to", "To", kind="date"),
        *(looked_for if searched else ()),
        Filter("operator_id", "Operator", operators),
        Filter("method", "Payment method", tuple(METHODS.items())),
    )


def _operators(wanted: str) -> tuple[list[Named], bool]:
    """Those that the caller sees and that fit `wanted`, and whether there are more to search among."""
    services, query = apis().customers, {"limit": MOST_OFFERED} | ({"q": wanted} if wanted else {})
    chosen = request.args.get("operator_id", "")
    try:
        found = services.operators(query)
        offered = {each["id"]: each["name"] for each in found["items"]}
        if chosen and chosen not in offered:
            offered[chosen] = services.operator(UUID(chosen)).body["name"]
    except (Refused, Silent, ValueError):  # the log is worth more than one of its filters
        return [], bool(wanted)
    return list(offered.items()), bool(wanted or found["next_cursor"])


def _listing(operators: Sequence[Named], *, searched: bool) -> Listing:
    return read(
        apis().payments.payments, COLUMNS, table="payments",
        filters=filters(operators, searched=searched), sort="-recorded_at",
        search="Name, username or reference",
    )  # fmt: skip


@pages.get("")
def list_payments() -> str | Response:
    wanted = request.args.get("operator", "").strip()
    operators, searched = _operators(wanted)
    if wanted and not request.args.get("operator_id"):
        if len(operators) == 1:
            only = {**request.args.to_dict(), "operator_id": operators[0][0]}
            return redirect(url_for("payments.list_payments", **only))  # type: ignore[arg-type]
        how_many = f"{len(operators)} operators fit" if operators else "No operator fits"
        tell(f"{how_many} “{wanted}”: all payments are shown until one is chosen.", tone="problem")
    listing = _listing(operators, searched=searched)
    totals = None if listing.problem else _totals(listing)
    return render_template("payments.html", listing=listing, totals=totals, actions=ACTIONS)


def _totals(listing: Listing) -> Any:
    try:
        return apis().payments.totals(listing.query)
    except (Refused, Silent):  # too many to add up at once: the list is worth more than its sums
        return None


@pages.get("/<uuid:payment_id>")
def show(payment_id: UUID) -> str:
    """The receipt, which prints as it stands, and what was paid with the payment."""
    services = apis().payments
    return render_template(
        "payment.html", payment=services.payment(payment_id), receipt=services.receipt(payment_id)
    )


@pages.route("/<uuid:payment_id>/void", methods=["GET", "POST"])
def void(payment_id: UUID) -> Page:
    """The payment never was."""
    services = apis().payments
    payment = services.payment(payment_id)
    question = Question(
        f"Void {money(payment['amount'])} of {payment['customer_name']}?", "Void it",
        (Field("reason", "Reason", required=True),), _shown(payment_id),
        "It never was: what it paid is owed again. To give real money back, refund it instead.", danger=True,
    )  # fmt: skip
    reverse = services.reverse
    return ask(question, lambda body, key: reverse(payment_id, "void", body, key), "It is void.")


@pages.route("/<uuid:payment_id>/refund", methods=["GET", "POST"])
def refund(payment_id: UUID) -> Page:
    """All that is left, or a part; through the gateway by which it came, if it did."""
    services = apis().payments
    payment = services.payment(payment_id)
    amount = Field("amount", "Amount", "money", hint="Empty: all that is left of it.")
    through = Field("through_gateway", f"Through {words(payment['gateway'])}", "tick")
    question = Question(
        f"Refund {money(payment['amount'])} of {payment['customer_name']}?", "Refund it",
        (amount, Field("reason", "Reason", required=True), *((through,) if payment["gateway"] else ())),
        _shown(payment_id),
        "Real money goes back, and is owed again.", danger=True,
        values={"amount_currency": payment["amount"]["currency"], "through_gateway": "1"},
    )  # fmt: skip
    reverse = services.reverse
    return ask(question, lambda body, key: reverse(payment_id, "refund", body, key), "Refunded.")


def _shown(payment_id: UUID) -> str:
    return url_for("payments.show", payment_id=payment_id)


@pages.post("/export")
def export() -> Response:
    """E20–E23: the filtered set, all columns, in a file that is made behind the scenes."""
    names = ("from", "to", "operator_id", "method", "q")
    sort = request.args.get("sort", "")
    asked = {name: request.args[name] for name in names if request.args.get(name)}
    form = request.form["format"]
    try:
        begun = apis().payments.export("payments", form, asked, zone(), request.form["key"], sort)
    except Refused as refused:
        if "filter.q" in refused.by_field:
            tell(
                "A file takes the filters, not the search: clear the search first.", tone="problem"
            )
        else:
            warn(refused, "The export did not start")
        return redirect(url_for("payments.list_payments", **request.args.to_dict()), 303)  # type: ignore[arg-type]
    shown = url_for("exports.show", service="payments", export_id=begun.body["export_id"])
    return redirect(shown, 303)
