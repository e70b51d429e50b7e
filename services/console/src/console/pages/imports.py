"""Customers › Imports: customers from files; columns are mapped, rows are tried, then taken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused, Silent
from console.asking import Page
from console.context import apis, may
from console.failures import attempt
from console.formatting import words
from console.forms import Form
from console.listing import Column, Item, read
from console.pages.jobs import ENDED, moves, outcome
from console.uploads import MOST_FILE, opened

pages = Blueprint("imports", __name__, url_prefix="/customers")
# Of fields, where their own name says too little.
NAMES = {"id": "Id, of our own exports", "email": "E-mail", "package": "Package, by its name"}


def label(name: str) -> str:
    return NAMES.get(name, words(name))


def import_of(item: Item) -> str:
    return url_for("imports.show", import_id=item["id"])


def faults_of(_: Item, errors: Any) -> str:
    """Each field of a row with what is wrong with it."""
    return "; ".join(f"{label(each['field'])}: {each['detail']}" for each in errors or ())


IMPORTS = (
    Column("Sent", "created_at", "time", sort="created_at", link=import_of),
    Column("So far", "dry_run", only=lambda _, trial: "a trial" if trial else "taken"),
    Column("State", "state", "words", only=lambda item, _: outcome(item)),
    Column("Rows", "rows"),
    Column("Refused", "failed"),
    Column("By", "actor"),
    Column("Rows kept until", "expires_at", "time"),
)
REFUSED = (
    Column("Line", "verdict.line"),
    Column("What is wrong", "verdict.errors", only=faults_of,
           under=lambda row: str((row.get("verdict") or {}).get("error") or "")),
)  # fmt: skip


@pages.get("/imports")
def list_imports() -> str:
    listing = read(apis().customers.imports, IMPORTS, table="imports")
    return render_template(
        "list.html", listing=listing, title="Imports",
        tools=(("Import customers", url_for("imports.send"), "imports.write"),),
        about="Files of customers of the last week: those that were tried only can still be taken.",
        empty="No file was sent within a week.",
    )  # fmt: skip


@pages.route("/import", methods=["GET", "POST"])
def send() -> Page:
    """Upload, mapping, and whose the customers become. A refusal shows the file's columns again."""
    if request.method == "GET":
        return _page(Form())
    services, file = apis().customers, request.files.get("file")
    mapping = {head: field for head, field in _mapped().items() if field is not None}
    query = {
        "dry_run": "true" if request.form.get("dry_run") == "1" else "false",
        "operator_id": request.form.get("operator_id", ""),
        "map": orjson.dumps(mapping).decode() if mapping else "",
    }
    try:
        kind, content = opened(file)
        answer = services.import_file(query, kind, content, request.form["key"])
    except Refused as refused:
        return _page(Form.sent(refused), _columns()), refused.status
    return redirect(url_for("imports.show", import_id=answer.body["import_id"]), 303)


@pages.post("/import/columns")
def columns() -> Page:
    """The same form with the file's columns in it; the module puts them into the open page."""
    try:
        kind, content = opened(request.files.get("file"))
        return _page(Form.sent(), apis().customers.columns(kind, content))
    except Refused as refused:
        return _page(Form.sent(refused)), refused.status


@pages.get("/imports/<uuid:import_id>")
def show(import_id: UUID) -> str:
    """How it stands, the rows that were refused, and what can be done now."""
    customers = apis().customers
    found = customers.one_import(import_id)
    job = customers.job(found["job_id"]).body
    rows = read(
        lambda query: customers.job_rows(found["job_id"], query), REFUSED,
        table="refused_rows", also={"state": "failed"},
    )  # fmt: skip
    live = job["state"] not in ENDED
    # A trial that is over has nothing to try again or to undo: it is started.
    steps = moves(job) if live or not found["dry_run"] else ()
    return render_template(
        "import.html", found=found, job=job, outcome=outcome(job), listing=rows, live=live,
        moves=steps, service="customers", label=label,
    )  # fmt: skip


@pages.post("/imports/<uuid:import_id>/start")
def start(import_id: UUID) -> Response:
    """In earnest now, without sending the file again."""
    key = request.form["key"]
    attempt(lambda: apis().customers.start_import(import_id, key), "They are being added.")
    return redirect(url_for("imports.show", import_id=import_id), 303)


@pages.get("/imports/<uuid:import_id>/refused-rows")
def refused_rows(import_id: UUID) -> Response:
    found = apis().customers.refused_rows(import_id)
    return Response(stream_with_context(found.chunks), headers=dict(found.headers))


def _mapped() -> dict[str, str | None]:
    """What the form says each column becomes: empty is left out."""
    form = request.form
    return dict(zip(form.getlist("header"), form.getlist("field"), strict=False))


def _columns() -> dict[str, Any] | None:
    """Of the file that was sent with the form, if it can be read."""
    try:
        kind, content = opened(request.files.get("file"))
        content.seek(0)
        return apis().customers.columns(kind, content)
    except (Refused, Silent):
        return None


def _page(form: Form, found: dict[str, Any] | None = None) -> str:
    fields = [(name, label(name)) for name in (found or {}).get("fields", ())]
    return render_template(
        "import_new.html",
        form=form,
        found=found,
        fields=fields,
        mapped=_mapped(),
        operators=_operators(),
        most=MOST_FILE,
    )


def _operators() -> list[tuple[str, str]]:
    """Whose the customers may become: (id, name) of the operators below; the form is worth more."""
    if not may("operators.read"):
        return []
    try:
        items = apis().customers.operators({"status": "active", "limit": 500})["items"]
    except (Refused, Silent):
        return []
    return [(each["id"], each["name"]) for each in items]
