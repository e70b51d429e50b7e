"""Administration › Exports: files that were made, and those that are made of every day or week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, ask, change, shown
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
RESOURCES = (
    ("payments", "Payments"),
    ("bills", "Bills"),
    ("ledger", "Ledger"),
    ("collections", "Collections"),
)
PAYMENT_STATES = ("recorded", "partly_refunded", "refunded", "voided")
OF_WHAT = Field("resource", "Of what", "choice", required=True, options=RESOURCES)
FIELDS = (
    Field("every", "How often", "choice", required=True,
          options=(("day", "Of every day"), ("week", "Of every week, Monday to Sunday"))),
    Field("format", "As", "choice", required=True,
          options=(("csv", "CSV"), ("xlsx", "Excel (XLSX)"), ("parquet", "Parquet"))),
)  # fmt: skip
COLUMNS = Field(
    "columns", "Columns", hint="Their names in the order wanted, with spaces. Empty: all of them."
)


@dataclass(frozen=True)
class Filtering:
    """A field of the form that a schedule of some resources may be filtered by, under its list's name."""

    field: Field
    name: str
    of: Sequence[str]


FILTERS = (
    Filtering(Field("method", "Money of one method only", "choice", options=tuple(METHODS.items())),
              "method", ("payments", "collections")),
    Filtering(Field("payment_status", "Payments in one state only", "choice",
                    options=choices(*PAYMENT_STATES)), "status", ("payments",)),
    Filtering(Field("bill_status", "Bills in one state only", "choice", options=choices(*BILL_STATES)),
              "status", ("bills",)),
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
EDIT = Action(
    "Edit", lambda item: url_for("files.edit", schedule_id=item["id"]), "exports.write",
    asks=True, of="resource",
)  # fmt: skip
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
        "list.html", listing=listing, title="Files of every day or week", tabs=TABS,
        actions=(EDIT, REMOVE),
        tools=(("Add", url_for("files.add"), "exports.write"),),
        about="Made when the day or the week is over; then they stand under Files, of payments.",
        empty="No files are made by themselves.",
    )  # fmt: skip


@pages.route("/schedules/new", methods=["GET", "POST"])
def add() -> Page:
    fields = (OF_WHAT, *FIELDS, *(each.field for each in FILTERS), COLUMNS)
    question = Question(
        "A file of every day or week", "Add", fields, url_for("files.schedules"),
        "The first one is of the day or week that runs now, once it is over.",
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Answer:
        wish = {"columns": columns} if (columns := _columns(body)) else {}
        filters = _filters(body, body.get("resource", ""))
        return apis().payments.add_schedule(body | wish | {"filter": filters}, key)

    return ask(question, send, "Added.")


@pages.route("/schedules/<uuid:schedule_id>", methods=["GET", "POST"])
def edit(schedule_id: UUID) -> Page:
    """Of the same resource: its filters and columns are that resource's own."""
    payments = apis().payments
    found = payments.export_schedule(schedule_id)
    resource, there = found.body["resource"], found.body["filter"]
    filters = [each for each in FILTERS if resource in each.of]
    # What the form does not ask for stays as it was planned over the API.
    kept = {name: there[name] for name in there.keys() - {each.name for each in filters}}

    def question(schedule: dict[str, Any]) -> Question:
        values = schedule | {"columns": " ".join(schedule["columns"] or ())}
        values |= {each.field.name: there.get(each.name) for each in filters}
        fields = (*FIELDS, *(each.field for each in filters), COLUMNS)
        return Question(
            f"Files of {words(resource).lower()}", "Save", fields, url_for("files.schedules"),
            "From the next file on.", values=shown(fields, values),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Answer:
        changes = {"columns": _columns(body), "filter": kept | _filters(body, resource)}
        return payments.change_schedule(schedule_id, body | changes, etag)

    return change(lambda: found, question, send, "Saved.")


def _columns(body: dict[str, Any]) -> list[str] | None:
    """Taken out of the form's body; None for all of them."""
    return body.pop("columns", "").replace(",", " ").split() or None


def _filters(body: dict[str, Any], resource: str) -> dict[str, str]:
    """Taken out of the form's body, as the API takes them."""
    filters: dict[str, str] = {}
    for each in FILTERS:
        value = body.pop(each.field.name, None)
        if value and resource not in each.of:
            whose = " and ".join(words(one).lower() for one in each.of)
            detail = f"Only for {whose}: choose them above, or leave this empty."
            raise Refused.here("Not added", each.field.name, "other_resource", detail)
        filters |= {each.name: value} if value else {}
    return filters


@pages.route("/schedules/<uuid:schedule_id>/remove", methods=["GET", "POST"])
def remove(schedule_id: UUID) -> Page:
    payments = apis().payments
    found = payments.export_schedule(schedule_id)
    question = Question(
        f"Make no more files of {words(found.body['resource']).lower()}?", "Make no more", (),
        url_for("files.schedules"), "Those that are there stay for their time.", danger=True,
    )  # fmt: skip
    return ask(question, lambda *_: payments.drop_schedule(schedule_id, found.etag), "Removed.")
