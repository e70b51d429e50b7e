"""Administration › Jobs: work that takes long, its progress, and taking it back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, place, tell
from console.failures import warn
from console.formatting import choices
from console.listing import Column, Filter, Item, read
from console.pages.exports import service_named

pages = Blueprint("jobs", __name__, url_prefix="/jobs")
STATES = ("queued", "running", "paused", "succeeded", "failed", "cancelled")
ENDED = ("succeeded", "failed", "cancelled")
ROWS = (
    Column("Row", "position"),
    Column("Subject", "subject", "code"),
    Column("State", "state", "words"),
    Column("Verdict", "verdict", "data"),
)
FILTERS = (Filter("state", "State", choices(*STATES)),)
ROW_FILTERS = (
    Filter("state", "State", tuple((s, s.capitalize()) for s in ("pending", "done", "failed", "skipped"))),
)  # fmt: skip
# What may be done with a job in its state; one that has ended is taken back.
MOVES = {
    "queued": ("pause", "cancel"),
    "running": ("pause", "cancel"),
    "paused": ("resume", "cancel"),
}
SAID = {
    "pause": "Paused after the chunk in hand.",
    "resume": "It goes on.",
    "cancel": "Cancelled. What was done stays done; undo takes it back.",
    "retry": "Trying the rows that failed again, as a job of their own.",
}


def outcome(job: Item) -> str:
    """The state; a job ends as succeeded when it came to every row, whatever became of the rows."""
    if job["state"] != "succeeded" or not job.get("failed"):
        return str(job["state"])
    return "ended, all failed" if job["failed"] == job.get("done") else "ended, some failed"


def moves(job: Item) -> tuple[str, ...]:
    ended = ("retry", "undo") if job.get("failed") else ("undo",)
    return MOVES.get(str(job["state"]), ended)


def columns(service: str) -> tuple[Column, ...]:
    def job_of(item: Item) -> str:
        return url_for("jobs.show", service=service, job_id=item["id"])

    return (
        Column("Job", "kind", "words", link=job_of),
        Column("State", "state", "words", only=lambda job, _: outcome(job)),
        Column("Done", "done"),
        Column("Failed", "failed"),
        Column("Of", "total", only=lambda _, total: total or None),
        Column("By", "actor"),
        Column("Begun", "created_at", "time", sort="created_at"),
    )


@pages.get("")
def list_jobs() -> str:
    service = request.args.get("service", "customers")
    listing = read(service_named(service).jobs, columns(service), table="jobs", filters=FILTERS)
    return render_template(
        "list.html", listing=listing, title="Jobs", section="jobs", services=tuple(apis().by_name),
        service=service, about="Work that takes long, newest first.", empty="No jobs yet.",
    )  # fmt: skip


@pages.get("/<service>/<uuid:job_id>")
def show(service: str, job_id: UUID) -> str:
    api = service_named(service)
    job = api.job(job_id).body
    rows = read(
        lambda query: api.job_rows(job_id, query), ROWS, table="job_rows", filters=ROW_FILTERS
    )
    return render_template(
        "job.html", job=job, outcome=outcome(job), listing=rows, service=service,
        live=job["state"] not in ENDED, moves=moves(job),
    )  # fmt: skip


@pages.post("/<service>/<uuid:job_id>/<any(pause, resume, cancel, retry, undo):what>")
def move(service: str, job_id: UUID, what: str) -> Response:
    try:
        moved = service_named(service).move_job(job_id, what).body
    except Refused as refused:
        warn(refused, "Not done")
        return redirect(url_for("jobs.show", service=service, job_id=job_id), 303)
    tell(SAID.get(what, "Taking it back, as a job of its own."))
    if str(moved["id"]) == str(job_id) and request.referrer:
        return redirect(place(), 303)
    return redirect(url_for("jobs.show", service=service, job_id=moved["id"]), 303)
