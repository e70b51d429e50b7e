"""Collecting › Cash: what each operator holds, shifts that are counted, cash that changes hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.asking import Field, Page, Question, ask, in_site_currency
from console.context import apis
from console.failures import attempt
from console.formatting import choices, words
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("cash", __name__, url_prefix="/cash")
TABS = (
    ("Drawers", "cash.drawers", "cash.read"),
    ("Shifts", "cash.shifts", "cash.read"),
    ("Hand-overs", "cash.hand_overs", "cash.read"),
)
COUNTED = Field("counted", "Counted in the drawer", "money", required=True)


def mine(name: str) -> Callable[[Item], bool]:
    """A row that waits for the caller: the other side of it is another person's to say."""
    return lambda item: item["state"] == "pending" and item[name] == g.login.operator["id"]


DRAWERS = (
    Column("Operator", "operator_name"),
    Column("Holds", "balance", "money", sort="balance"),
    Column("Limit", "limit", "money"),
)
SHIFTS = (
    Column("Begun", "opened_at", "time", sort="opened_at"),
    Column("Operator", "operator_name"),
    Column("Lay in it", "opening_counted", "money"),
    Column("Should have lain", "opening_expected", "money"),
    Column("Ended", "closed_at", "time"),
    Column("Counted", "closing_counted", "money"),
    Column("Should be", "closing_expected", "money", under="note"),
)
HAND_OVERS = (
    Column("At", "created_at", "time", sort="created_at"),
    Column("From", "giver_name"),
    Column("To", "taker_name"),
    Column("Amount", "amount", "money", under="note"),
    Column("State", "state", "words"),
    Column("Decided", "decided_at", "time"),
)
LIMIT = (
    Action(
        "Limit", lambda item: url_for("cash.limit", operator_id=item["operator_id"]),
        "cash_limits.write", asks=True, of="operator_name",
    ),
)  # fmt: skip
CLOSE = (
    Action(
        "Close", lambda item: url_for("cash.close_shift", shift_id=item["id"]), "cash.write",
        lambda item: not item["closed_at"] and item["operator_id"] == g.login.operator["id"],
        asks=True, of="operator_name",
    ),
)  # fmt: skip
DECISIONS = (
    Action(
        "Accept", lambda item: url_for("cash.accept", hand_over_id=item["id"]), "cash.write",
        mine("taker_id"), of="giver_name",
    ),
    Action(
        "Refuse", lambda item: url_for("cash.decide", hand_over_id=item["id"], what="refuse"),
        "cash.write", mine("taker_id"), asks=True, danger=True, of="giver_name",
    ),
    Action(
        "Cancel", lambda item: url_for("cash.decide", hand_over_id=item["id"], what="cancel"),
        "cash.write", mine("giver_id"), asks=True, of="taker_name",
    ),
)  # fmt: skip


@pages.get("/drawers")
def drawers() -> str:
    listing = read(apis().payments.drawers, DRAWERS, table="cash_drawers")
    return render_template(
        "list.html", listing=listing, title="Cash drawers", tabs=TABS, actions=LIMIT,
        about="What each operator holds, as the ledger says. Above the limit one takes no cash.",
        empty="Nobody took cash yet.",
    )  # fmt: skip


@pages.route("/drawers/<uuid:operator_id>/limit", methods=["GET", "POST"])
def limit(operator_id: UUID) -> Page:
    question = Question(
        "Limit a drawer", "Limit it", (Field("limit", "Limit", "money", required=True),),
        url_for("cash.drawers"), "Above it the operator takes no cash before handing some over.",
        values=in_site_currency("limit"),
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Any:
        currency = (body.get("limit") or {}).get("currency", "")
        return apis().payments.limit_drawer(operator_id, body | {"currency": currency}, key)

    return ask(question, send, "Limited.")


@pages.get("/shifts")
def shifts() -> str:
    listing = read(apis().payments.shifts, SHIFTS, table="cash_shifts")
    return render_template(
        "list.html", listing=listing, title="Shifts", tabs=TABS, actions=CLOSE,
        tools=(("Open a shift", url_for("cash.open_shift"), "cash.write"),),
        about="Counted at the beginning and at the end; what differs from the ledger shows here.",
        empty="No shift was opened yet.",
    )  # fmt: skip


@pages.route("/shifts/new", methods=["GET", "POST"])
def open_shift() -> Page:
    question = Question(
        "Open a shift", "Open it", (COUNTED,), url_for("cash.shifts"),
        "Count what lies in your drawer.", values=in_site_currency("counted"),
    )  # fmt: skip
    return ask(question, apis().payments.open_shift, "The shift is open.")


@pages.route("/shifts/<uuid:shift_id>/close", methods=["GET", "POST"])
def close_shift(shift_id: UUID) -> Page:
    question = Question(
        "Close the shift", "Close it", (COUNTED, Field("note", "Note", "remark")),
        url_for("cash.shifts"), "Count what lies in your drawer now.",
        values=in_site_currency("counted"),
    )  # fmt: skip
    close = apis().payments.close_shift
    return ask(question, lambda body, key: close(shift_id, body, key), "The shift is closed.")


@pages.get("/hand-overs")
def hand_overs() -> str:
    states = ("pending", "accepted", "refused", "cancelled")
    filters = (Filter("state", "State", choices(*states)),)
    listing = read(apis().payments.hand_overs, HAND_OVERS, table="cash_hand_overs", filters=filters)
    return render_template(
        "list.html", listing=listing, title="Hand-overs", tabs=TABS, actions=DECISIONS,
        tools=(("Hand over cash", url_for("cash.give"), "cash.write"),),
        about="Cash that goes from one operator to the one above. It is the giver's until the taker"
        " accepts it.",
        empty="No cash was handed over yet.",
    )  # fmt: skip


@pages.route("/hand-overs/new", methods=["GET", "POST"])
def give() -> Page:
    question = Question(
        "Hand over cash", "Hand it over",
        (Field("amount", "Amount", "money", required=True), Field("note", "Note", "remark")),
        url_for("cash.hand_overs"), "To the operator above you, who accepts or refuses it.",
        values=in_site_currency("amount"),
    )  # fmt: skip
    return ask(question, apis().payments.hand_over, "It waits for the second signature.")


@pages.post("/hand-overs/<uuid:hand_over_id>/accept")
def accept(hand_over_id: UUID) -> Response:
    key = request.form["key"]
    decide = apis().payments.decide_hand_over
    attempt(lambda: decide(hand_over_id, "accept", {}, key), "Accepted: the cash is yours.")
    return redirect(url_for("cash.hand_overs"), 303)


@pages.route("/hand-overs/<uuid:hand_over_id>/<any(refuse, cancel):what>", methods=["GET", "POST"])
def decide(hand_over_id: UUID, what: str) -> Page:
    question = Question(
        f"{words(what)} a hand-over", words(what), (Field("reason", "Reason", required=True),),
        url_for("cash.hand_overs"), "The cash stays with who gave it.", danger=True,
    )  # fmt: skip
    send = apis().payments.decide_hand_over
    return ask(question, lambda body, key: send(hand_over_id, what, body, key), "Done.")
