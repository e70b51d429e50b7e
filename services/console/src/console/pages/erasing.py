"""Delete Permanently (A32–A38), Cleanup old customers (D8–D14), erasures and their certificates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, tell
from console.failures import warn
from console.formatting import choices
from console.forms import Form, filled
from console.listing import Column, Filter, Item, read

pages = Blueprint("erasing", __name__)
Page = str | Response | tuple[str, int]
STATES = ("cooling", "awaiting_approval", "running", "done", "cancelled", "refused")


def erasure_of(item: Item) -> str:
    return url_for("erasing.show", erasure_id=item["id"])


COLUMNS = (
    Column("Erasure", "id", "code", link=erasure_of),
    Column("State", "state", "words"),
    Column("Mode", "mode", "words"),
    Column("Asked for by", "requested_by"),
    Column("Asked for at", "created_at", "time", sort="created_at"),
)
FILTERS = (Filter("state", "State", choices(*STATES)),)
SUBJECTS = (
    Column("Customer", "customer_id", "code"),
    Column("State", "state", "words"),
    Column("Because", "detail"),
    Column("Ended", "finished_at", "time"),
)
SUBJECT_FILTERS = (
    Filter("state", "State", tuple((s, s.capitalize()) for s in ("waiting", "erasing", "done", "refused"))),
)  # fmt: skip


@pages.get("/deleted-customers/<uuid:customer_id>/erase")
def confirm_one(customer_id: UUID) -> Page:
    return _confirm_one(customer_id, Form())


@pages.post("/deleted-customers/<uuid:customer_id>/erase")
def erase_one(customer_id: UUID) -> Page:
    """A34: cannot be undone, so the customer number is typed."""
    body = filled("confirm", "mode", "legal_basis")
    try:
        job = apis().customers.erase(customer_id, body, request.form["key"])
    except Refused as refused:
        return _confirm_one(customer_id, Form.sent(refused)), refused.status
    return _begun(job.body)


def _confirm_one(customer_id: UUID, form: Form) -> str:
    record = apis().customers.deleted_one(customer_id).body
    action = url_for("erasing.erase_one", customer_id=customer_id)
    return render_template(
        "erase.html", form=form, action=action, ids=[], number=1, names=[record["name"]],
        typed=record["customer_number"], what="the customer number",
    )  # fmt: skip


@pages.post("/deleted-customers/erase")
def confirm_many() -> Page:
    """D13 made better: what is ticked, not everything."""
    if not request.form.getlist("id"):
        tell("Tick the records to delete permanently first.", tone="problem")
        return redirect(url_for("deleted.list_deleted"), 303)
    return _confirm_many(Form())


@pages.get("/deleted-customers/cleanup")
def confirm_all() -> Page:
    """D8, D11: Cleanup old customers, all of them, after a warning and typed words."""
    return _confirm_many(Form())


@pages.post("/deleted-customers/erase/confirmed")
def erase_many() -> Page:
    body: dict[str, Any] = filled("confirm", "mode", "legal_basis")
    ids = request.form.getlist("id")
    body |= {"ids": ids} if ids else {"all": True}
    try:
        job = apis().customers.erase_many(body, request.form["key"])
    except Refused as refused:
        return _confirm_many(Form.sent(refused)), refused.status
    return _begun(job.body)


def _confirm_many(form: Form) -> str:
    ids = request.form.getlist("id")
    number = len(ids) or _how_many()
    return render_template(
        "erase.html", form=form, action=url_for("erasing.erase_many"), ids=ids, number=number,
        names=[], typed=f"ERASE {number} CUSTOMERS", what="these words",
    )  # fmt: skip


def _how_many() -> int:
    return int(apis().customers.deleted({"limit": 1, "include": "total"})["total"])


def _begun(body: dict[str, Any]) -> Response:
    """To the erasure, or to the job that begins many."""
    tell("The erasure is on its way. It can be cancelled while it cools.")
    erasure = body.get("erasure_id") or (body.get("id") if "mode" in body else None)
    if erasure:
        return redirect(url_for("erasing.show", erasure_id=erasure), 303)
    return redirect(url_for("erasing.list_erasures"), 303)


@pages.get("/erasures")
def list_erasures() -> str:
    listing = read(apis().customers.erasures, COLUMNS, table="erasures", filters=FILTERS)
    return render_template(
        "list.html", listing=listing, title="Erasures", section="erasures",
        about="Permanent deletions, from asking to certificate. Each service gives a receipt.",
        empty="Nobody asked for an erasure yet.",
    )  # fmt: skip


@pages.get("/erasures/<uuid:erasure_id>")
def show(erasure_id: UUID) -> str:
    customers = apis().customers
    erasure = customers.erasure(erasure_id).body
    subjects = read(
        lambda query: customers.erasure_subjects(erasure_id, query), SUBJECTS,
        table="erasure_subjects", filters=SUBJECT_FILTERS,
    )  # fmt: skip
    ended = erasure["state"] in ("done", "cancelled", "refused")
    return render_template("erasure.html", erasure=erasure, listing=subjects, live=not ended)


@pages.post("/erasures/<uuid:erasure_id>/<any(approve, cancel):what>")
def move(erasure_id: UUID, what: str) -> Response:
    try:
        apis().customers.move_erasure(erasure_id, what)
    except Refused as refused:
        warn(refused, "Not done")
    else:
        tell("Approved." if what == "approve" else "Cancelled. Nothing was erased.")
    return redirect(url_for("erasing.show", erasure_id=erasure_id), 303)


@pages.post("/erasures/<uuid:erasure_id>/accept")
def accept(erasure_id: UUID) -> Response:
    """What the search found is not the person's, or cannot be removed: the certificate says so."""
    try:
        apis().customers.accept_leftovers(erasure_id, request.form["reason"])
    except Refused as refused:
        warn(refused, "Not accepted")
    else:
        tell("Accepted. The certificate follows, with what was found and your reason.")
    return redirect(url_for("erasing.show", erasure_id=erasure_id), 303)


@pages.get("/erasures/<uuid:erasure_id>/certificate")
def certificate(erasure_id: UUID) -> Response:
    """The proof, as a file to keep."""
    body = apis().customers.certificate(erasure_id).body
    response = Response(
        orjson.dumps(body, option=orjson.OPT_INDENT_2), content_type="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="erasure-{erasure_id}.json"'
    return response
