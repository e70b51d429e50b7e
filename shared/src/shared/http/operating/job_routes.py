"""Work that takes long: follow it, stop it, go on with it, undo it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from flask import Response, current_app, stream_with_context
from sqlalchemy import select, table

from shared import jobs, operations
from shared.database import Database, Scope
from shared.http.authentication import permission, principal, require
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, columns, database, page_of
from shared.http.paging import PlainPageArguments, page
from shared.http.problems import Problem, not_found
from shared.http.transactions import Transaction, transaction

# Watching a job: an answer of at most a minute, so that no worker thread is held for hours.
WATCH_SECONDS = 60
ENDED = ("succeeded", "failed", "cancelled")
STATES = ["queued", "running", "paused", *ENDED]

blueprint = Blueprint("jobs", __name__, description="Work that takes long")
FIELDS = (
    "id kind state total done failed created_at started_at finished_at result error actor undoes"
)
job_table = table("job", *columns(f"{FIELDS} operator_path"))
row_table = table("job_row", *columns("job_id position subject state verdict"))


class JobSchema(ma.Schema):
    """`done` of `total` rows, of which `failed`; `total` is 0 for what has no rows."""

    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    total = ma.fields.Integer(required=True)
    done = ma.fields.Integer(required=True)
    failed = ma.fields.Integer(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    started_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    finished_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    result = ma.fields.Dict(required=True, allow_none=True)
    error = ma.fields.String(required=True, allow_none=True)
    actor = ma.fields.String(required=True)
    undoes = ma.fields.UUID(required=True, allow_none=True)


class JobRowSchema(ma.Schema):
    position = ma.fields.Integer(required=True)
    subject = ma.fields.UUID(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["pending", "done", "failed", "skipped"])
    )
    verdict = ma.fields.Dict(required=True, allow_none=True)


class JobArguments(PlainPageArguments):
    state = ma.fields.String(validate=ma.validate.OneOf(STATES))
    kind = ma.fields.String(validate=ma.validate.Length(max=60))


class JobRowArguments(PlainPageArguments):
    state = ma.fields.String(validate=ma.validate.OneOf(["pending", "done", "failed", "skipped"]))


def job_body(job: Any) -> dict[str, Any]:
    """As api.md says: id, kind, state, total, done, failed, times, result."""
    return {name: getattr(job, name) for name in FIELDS.split()}


def accepted(tx: Transaction, job: Any) -> Response:
    """202 with the job's place."""
    return tx.answer(None, job_body(job), 202, headers={"Location": f"/v1/jobs/{job.id}"})


def _job(session: Any, job_id: UUID) -> Any:
    found = jobs.read(session, job_id)
    if found is None:
        raise not_found("job")
    return found


@blueprint.get("/v1/jobs")
@blueprint.arguments(JobArguments, location="query")
@blueprint.response(200, page_of(JobSchema))
@permission("jobs.read")
def list_jobs(arguments: dict[str, Any]) -> Any:
    """Newest first."""
    scope = principal().scope
    query = select(job_table).where(scope.covers(job_table.c.operator_path))
    for name in ("state", "kind"):
        if name in arguments:
            query = query.where(job_table.c[name] == arguments[name])
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=job_table.c.id, default_sort="-created_at",
            sortable={"created_at": job_table.c.created_at},
        )  # fmt: skip
    return as_json(found.body(job_body), found.headers())


@blueprint.get("/v1/jobs/<uuid:job_id>")
@blueprint.response(200, JobSchema)
@permission("jobs.read")
def get_job(job_id: UUID) -> Any:
    """State and progress."""
    with database().transaction(principal().scope) as session:
        return as_json(job_body(_job(session, job_id)))


@blueprint.get("/v1/jobs/<uuid:job_id>/rows")
@blueprint.arguments(JobRowArguments, location="query")
@blueprint.response(200, page_of(JobRowSchema))
@permission("jobs.read")
def list_job_rows(arguments: dict[str, Any], job_id: UUID) -> Any:
    """The verdict for each row of the frozen list."""
    query = select(row_table).where(row_table.c.job_id == job_id)
    if "state" in arguments:
        query = query.where(row_table.c.state == arguments["state"])
    with database().transaction(principal().scope) as session:
        _job(session, job_id)
        found = page(
            session, query, arguments, key=row_table.c.position, default_sort="position",
            sortable={"position": row_table.c.position},
        )  # fmt: skip
    names = ("position", "subject", "state", "verdict")
    return as_json(found.body(lambda row: {n: getattr(row, n) for n in names}), found.headers())


@blueprint.get("/v1/jobs/<uuid:job_id>/events")
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@permission("jobs.read")
def watch_job(job_id: UUID) -> Any:
    """Progress as server-sent events, until the job ends or a minute is over."""
    scope = principal().scope
    with database().transaction(scope) as session:
        _job(session, job_id)
    progress = _progress(database(), scope, job_id)
    return Response(stream_with_context(progress), content_type="text/event-stream")


def _progress(source: Database, scope: Scope, job_id: UUID) -> Iterator[str]:
    until, last = time.monotonic() + WATCH_SECONDS, ""
    while time.monotonic() < until:
        with source.transaction(scope) as session:
            job = jobs.read(session, job_id)
        now = orjson.dumps(job_body(job), default=str).decode()
        if now != last:
            yield f"event: progress\ndata: {now}\n\n"
            last = now
        if job.state in ENDED:
            return
        time.sleep(0.5)


def _needed(kinds: jobs.Jobs, kind: str, what: str) -> str | None:
    """The permission of the work that is done when the job is moved so; None: none is."""
    known = kinds.kinds.get(kind)
    if known is not None and what == "undo":
        known = kinds.kinds.get(known.inverse or "")
    return known.permission if known and what in ("resume", "retry", "undo") else None


@blueprint.post("/v1/jobs/<uuid:job_id>/<any(cancel, pause, resume, retry, undo):what>")
@blueprint.response(200, JobSchema)
@blueprint.alt_response(202, schema=JobSchema, description="undo, retry: the job that does it")
@permission("jobs.write")
def move_job(job_id: UUID, what: Any) -> Any:
    """Cancel, pause, resume; or queue the inverse of what was done, or once more what failed.

    Resume, retry and undo need what asking for that work needs, too: undoing a restore deletes.
    """
    kinds: jobs.Jobs = current_app.extensions["tenure.jobs"]
    with transaction() as tx:
        job = _job(tx.session, job_id)
        needed = _needed(kinds, job.kind, what)
        if needed is not None:
            require(needed)
        try:
            if what == "undo":
                moved = jobs.undo(tx.session, kinds, job, tx.actor)
            elif what == "retry":
                moved = jobs.retry(tx.session, job, tx.actor)
            else:
                moved = jobs.move(tx.session, job_id, what)
        except jobs.NotPossible as error:
            raise Problem(409, "job-state", "Not possible now", str(error)) from error
        operations.record(
            tx.session, tx.actor, f"job.{what}", "job", job_id, operator_path=job.operator_path,
            after={"state": moved.state, "job": str(moved.id)}, personal=False,
        )  # fmt: skip
        return (
            accepted(tx, moved) if what in ("retry", "undo") else tx.answer(None, job_body(moved))
        )
