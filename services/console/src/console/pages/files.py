"""Administration › Exports: files that were made, and those that are made of every day or week."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, ask
from console.context import apis
from console.formatting import METHODS, choices, words
from console.listing import Action, Column, Item, read
from console.pages.bills import STATES as BILL_STATES
from console.pages.exports import service_named

pages = Blueprint("files", __name__, url_prefix="/exports")
TABS = (
    ("Files", "files.list_files", "exports.write"),
    ("Every day or week", "files.schedules", "exports.write"),
)
# Whose exports there are.
SERVICES = ("customers", "payments")
RESOURCES = (("payments", "Payments"), ("bills", "Bills"), ("ledger", "Ledger"))
PAYMENT_STATES = ("recorded", "partly_refunded", "refunded", "voided")
# What a schedule may filter by, as the form names it: resource and the list's own filter.
FILTERS = {
    "method": ("payments", "method"),
    "payment_status": ("payments", "status"),
    "bill_status": ("bills", "status"),
}
FIELDS = (
    Field("resource", "Of what", "choice", required=True, options=RESOURCES),
    Field("every", "How often", "choice", required=True,
          options=(("day", "Of every day"), ("week", "Of every week, Monday to Sunday"))),
    Field("format", "As", "choice", required=True,
          options=(("csv", "CSV"), ("xlsx", "Excel (XLSX)"), ("parquet", "Parquet"))),
    Field("method", "Payments of one method only", "choice", options=tuple(METHODS.items())),
    Field("payment_status", "Payments in one state only", "choice",
          options=choices(*PAYMENT_STATES)),
    Field("bill_status", "Bills in one state only", "choice",
          options=choices(*BILL_STATES)),
    Field("columns", "Columns", hint="Their names in the order wanted, with spaces. Empty: all of them."),
)  # fmt: skip
SCHEDULES = (
    Column("Of", "resource", "words"),
    Column("Every", "every", "words"),
    Column("As", "format"),
    Column("Filtered by", "filter", "data", only=lambda _, value: value or "nothing"),
    Column("Columns", "columns", "data", only=lambda _, value: value or "all"),
    Column("Made by", "operator_name"),
    Column("Last file from", "last_period"),
    Column("Since", "created_at", "time", sort="created_at", chosen=False),
)
REMOVE = Action(
    "Remove", lambda item: url_for("files.remove", schedule_id=item["id"]), "exports.write",
    asks=True, danger=True, of="resource",
)  # fmt: skip


def columns(service: str) -> tuple[Column, ...]:
    def export_of(item: Item) -> str:
        return url_for("exports.show", service=service, export_id=item["id"])

    return (
        Column("Of", "resource", "words", link=export_of, under="error"),
        Column("As", "format"),
        Column("State", "state", "words"),
        Column("Rows", "rows_written"),
        Column("Begun", "created_at", "time", sort="created_at"),
        Column("Kept until", "expires_at", "time"),
    )


@pages.get("")
def list_files() -> str:
    service = request.args.get("service", SERVICES[0])
    listing = read(service_named(service).exports, columns(service), table="exports")
    return render_template(
        "list.html", listing=listing, title="Exports", tabs=TABS, services=SERVICES, service=service,
        about="Files that were asked for, or are made by themselves, until their time is over.",
        empty="No files. Lists have a button that makes one of what they show.",
    )  # fmt: skip


@pages.get("/schedules")
def schedules() -> str:
    listing = read(apis().payments.export_schedules, SCHEDULES, table="export_schedules")
    return render_template(
        "list.html", listing=listing, title="Files of every day or week", tabs=TABS, actions=(REMOVE,),
        tools=(("Add", url_for("files.add"), "exports.write"),),
        about="Made when the day or the week is over; then they stand under Files, of payments.",
        empty="No files are made by themselves.",
    )  # fmt: skip


@pages.route("/schedules/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "A file of every day or week", "Add", FIELDS, url_for("files.schedules"),
        "The first one is of the day or week that runs now, once it is over.",
    )  # fmt: skip
    return ask(question, _send, "Added.")


def _send(body: dict[str, Any], key: str) -> Answer:
    filters: dict[str, str] = {}
    for name, (resource, inner) in FILTERS.items():
        value = body.pop(name, None)
        if value and resource != body.get("resource"):
            detail = f"Only for {words(resource).lower()}: choose them above, or leave this empty."
            raise Refused.here("Not added", name, "other_resource", detail)
        filters |= {inner: value} if value else {}
    if columns := body.pop("columns", ""):
        body["columns"] = columns.replace(",", " ").split()
    return apis().payments.add_schedule(body | {"filter": filters}, key)


@pages.route("/schedules/<uuid:schedule_id>/remove", methods=["GET", "POST"])
def remove(schedule_id: UUID) -> Page:
    payments = apis().payments
    found = payments.export_schedule(schedule_id)
    question = Question(
        f"Make no more files of {words(found.body['resource']).lower()}?", "Make no more", (),
        url_for("files.schedules"), "Those that are there stay for their time.", danger=True,
    )  # fmt: skip
    return ask(question, lambda *_: payments.drop_schedule(schedule_id, found.etag), "Removed.")
