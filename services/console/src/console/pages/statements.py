"""Collecting › Statements: what banks and gateways say came in, and what no payment explains."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer
from console.asking import Field, Page, Question, ask
from console.context import apis, tell
from console.formatting import choices, words
from console.listing import Action, Column, Filter, Item, read
from console.uploads import opened

pages = Blueprint("statements", __name__, url_prefix="/statements")
TABS = (
    ("Lines", "statements.lines", "imports.write"),
    ("Imports", "statements.imports", "imports.write"),
)
SOURCES = tuple(
    (name, words(name)) for name in ("bank", "bkash", "nagad", "sslcommerz", "stripe", "other")
)
DATES = tuple((each, each) for each in ("YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY"))
# What to do about a line without a payment.
EXCEPTIONS = {
    "not_in_books": "Record the payment by hand, then match it.",
    "amount_differs": "Match it with the payment, or have the payment corrected.",
    "ambiguous": "Several payments fit: match it with the right one.",
    "unknown": "Nobody is named: look in the description, or ignore it with a reason.",
}


def is_open(item: Item) -> bool:
    return bool(item["state"] == "open")


def job_of(item: Item) -> str:
    job = item.get("job_id")
    return url_for("jobs.show", service="payments", job_id=job) if job else ""


LINES = (
    Column("Booked", "booked_on", sort="booked_on"),
    Column("From", "source", "words"),
    Column("Amount", "amount", "money"),
    Column("Reference", "reference", "code", under="description"),
    Column("State", "state", "words"),
    Column(
        "What is wrong", "exception", "words",
        under=lambda item: EXCEPTIONS.get(item["exception"] or "", "") if is_open(item) else "",
    ),
    Column("Decided by", "decided_by"),
    Column("Fee", "fee", "money", chosen=False),
    Column("Payment", "payment_id", "code", chosen=False),
)  # fmt: skip
ACTIONS = tuple(
    Action(
        label, lambda item, what=what: url_for("statements.decide", line_id=item["id"], what=what),  # type: ignore[misc]
        "imports.write", is_open, asks=True, of="reference",
    )
    for label, what in (("Match", "match"), ("Ignore", "ignore"))
)  # fmt: skip
IMPORTS = (
    Column("Sent", "created_at", "time", sort="created_at", link=job_of),
    Column("From", "source", "words", under="format"),
    Column("Lines", "lines"),
    Column("Seen before", "repeated"),
    Column("Not read", "failed", under=lambda item: "See its job." if item["failed"] else ""),
    Column("Debits", "debits"),
    Column("Ended", "finished_at", "time"),
    Column("By", "created_by"),
)


@pages.get("/lines")
def lines() -> str:
    filters = (
        Filter("state", "State", choices("open", "matched", "ignored")),
        Filter("exception", "What is wrong", tuple((e, words(e)) for e in EXCEPTIONS)),
        Filter("source", "From", SOURCES),
    )
    listing = read(apis().payments.statement_lines, LINES, table="statement_lines", filters=filters)
    return render_template(
        "list.html", listing=listing, title="Statement lines", tabs=TABS, actions=ACTIONS,
        about="What banks and gateways say came in. Open lines are those that no payment explains,"
        " the oldest first.",
        empty="No statement was imported yet.",
    )  # fmt: skip


@pages.route("/lines/<uuid:line_id>/<any(match, ignore):what>", methods=["GET", "POST"])
def decide(line_id: UUID, what: str) -> Page:
    services = apis().payments
    field = {
        "match": Field("payment_id", "Payment's id", required=True,
                       hint="Under Customer Payments; choose the column Payment's id in its Settings."),
        "ignore": Field("reason", "Why it is no payment of a customer", required=True),
    }[what]  # fmt: skip
    back = url_for("statements.lines", state="open")
    lead = {"match": "This line is the money of one payment.",
            "ignore": "This line is no payment of a customer."}[what]  # fmt: skip
    question = Question(f"{words(what)} a statement line", words(what), (field,), back, lead)
    done = "Matched: the payment is settled." if what == "match" else "Ignored; the log keeps why."
    return ask(question, lambda body, key: services.decide_line(line_id, what, body, key), done)


@pages.route("/imports/new", methods=["GET", "POST"])
def send() -> Page:
    question = Question(
        "Send a statement", "Send it",
        (
            Field("file", "File", "file", required=True, hint="CSV, XLSX or CAMT.053 (XML), as it came."),
            Field("source", "From", "choice", required=True, options=SOURCES),
            Field("currency", "Currency of lines that name none"),
            Field("date_format", "Days are written", "choice", options=DATES,
                  hint="ISO, 2026-11-21, is read always."),
        ),
        url_for("statements.imports"),
        "Its lines are matched with payments. Lines that were sent before are passed over.",
    )  # fmt: skip

    def upload(body: dict[str, Any], key: str) -> Answer:
        kind, file = opened(body.pop("file", None))
        return apis().payments.import_statement(body, kind, file, key)

    return ask(question, upload, then=_to_job)


def _to_job(answer: Answer) -> Response:
    tell("It is read behind the scenes. Then see under Statements which lines are open.")
    return redirect(url_for("jobs.show", service="payments", job_id=answer.body["id"]), 303)


@pages.get("/imports")
def imports() -> str:
    listing = read(apis().payments.statement_imports, IMPORTS, table="statement_imports")
    return render_template(
        "list.html", listing=listing, title="Statement imports", tabs=TABS,
        tools=(("Send a statement", url_for("statements.send"), "imports.write"),),
        about="Statements that were sent: CSV, XLSX or CAMT.053. The same file, or one that overlaps,"
        " does no harm.",
        empty="No statement was imported yet.",
    )  # fmt: skip
