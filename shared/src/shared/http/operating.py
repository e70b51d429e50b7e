"""What every service answers beside its own routes: health, metrics, the event feed, dead letters,
jobs and the operations log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from flask import Response, current_app, stream_with_context
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import ColumnClause, column, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from shared import inbox, jobs, metrics, operations, outbox
from shared.database import Database
from shared.http.authentication import permission, principal, public
from shared.http.blueprint import Blueprint
from shared.http.paging import MOST, PageArguments, page
from shared.http.problems import Problem, invalid_parameter, not_found
from shared.http.transactions import transaction

# Watching a job: an answer of at most a minute, so that no worker thread is held for hours.
WATCH_SECONDS = 60


def columns(names: str) -> list[ColumnClause[Any]]:
    return [column(name) for name in names.split()]


def blueprints() -> list[Blueprint]:
    return [health, feed, dead_letters, jobs_blueprint, log]


def _database() -> Database:
    database: Database = current_app.extensions["tenure.database"]
    return database


# ---------------------------------------------------------------- health
health = Blueprint("health", __name__, description="Is it alive, is it ready, how is it doing")


@health.get("/livez")
@health.response(200)
@public
def livez() -> Any:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
@health.response(200)
@public
def readyz() -> Any:
    """PostgreSQL answers. Redis is reported, not needed: events go by the feed without it."""
    checks = {"database": _database_answers(), "redis": _redis_answers()}
    ready = checks["database"]
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return Response(orjson.dumps(body), 200 if ready else 503, content_type="application/json")


def _database_answers() -> bool:
    try:
        with _database().transaction() as session:
            return session.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    except SQLAlchemyError:
        return False


def _redis_answers() -> bool:
    url = current_app.extensions["tenure.settings"].redis_url
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return redis.ping() is True
    except RedisError:
        return False


@health.get("/metrics")
@health.response(200, content_type="text/plain")
@public
def metrics_text() -> Any:
    """Prometheus text."""
    with _database().transaction() as session:
        text_ = metrics.exposition(current_app.extensions["tenure.settings"].service, session)
    return Response(text_, content_type="text/plain; version=0.0.4; charset=utf-8")


# ---------------------------------------------------------------- feed
feed = Blueprint("events", __name__, description="The event feed: pull for certainty")


class FeedArguments(ma.Schema):
    after = ma.fields.String(load_default="0.0", validate=ma.validate.Length(max=60))
    limit = ma.fields.Integer(load_default=MOST, validate=ma.validate.Range(min=1, max=MOST))
    type = ma.fields.String(
        metadata={"description": "Event types, separated by commas"},
        validate=ma.validate.Length(max=1000),
    )


@feed.get("/v1/events")
@feed.arguments(FeedArguments, location="query")
@feed.response(200)
@permission("events.read")
def events(arguments: dict[str, Any]) -> Any:
    """CloudEvents after a cursor, oldest first, within the caller's branch."""
    service = current_app.extensions["tenure.settings"].service
    types = arguments["type"].split(",") if "type" in arguments else None
    scope = principal().scope
    with _database().transaction(scope) as session:
        try:
            items, cursor = outbox.feed(
                session,
                service,
                after=arguments["after"],
                limit=arguments["limit"],
                scope=scope,
                types=types,
            )
        except outbox.BadCursor as error:
            raise invalid_parameter("after", "not a cursor of this feed") from error
    return Response(
        orjson.dumps({"items": items, "next_cursor": cursor}), content_type="application/json"
    )


# ---------------------------------------------------------------- dead letters
dead_letters = Blueprint("dead letters", __name__, description="Events that could not be taken")
letter = table(
    "dead_letter",
    *columns("event_id source type subject error attempts first_at last_at state"),
)


@dead_letters.get("/v1/dead-letters")
@dead_letters.arguments(PageArguments, location="query")
@dead_letters.response(200)
@permission("dead_letters.read")
def list_dead_letters(arguments: dict[str, Any]) -> Any:
    """What could not be taken, and why. Replay it once the cause is mended, or skip it."""
    query = select(letter).where(letter.c.state == "dead")
    with _database().transaction() as session:
        found = page(
            session, query, arguments, key=letter.c.event_id, default_sort="-last_at",
            sortable={"last_at": letter.c.last_at},
        )  # fmt: skip
    names = [c.name for c in letter.c]
    return _json(
        found.body(lambda row: dict(zip(names, row[: len(names)], strict=True))), found.headers()
    )


@dead_letters.post("/v1/dead-letters/<uuid:event_id>/replay")
@dead_letters.response(200)
@permission("dead_letters.write")
def replay_dead_letter(event_id: UUID) -> Any:
    """Take the event again."""
    subscriptions: inbox.Subscriptions = current_app.extensions["tenure.subscriptions"]
    try:
        inbox.replay(_database(), subscriptions, str(event_id))
    except inbox.NotDead as error:
        raise not_found("dead letter") from error
    with _database().transaction() as session:
        row = session.execute(select(letter).where(letter.c.event_id == event_id)).one()
    return _json(dict(row._mapping))


@dead_letters.post("/v1/dead-letters/<uuid:event_id>/skip")
@dead_letters.response(200)
@permission("dead_letters.write")
def skip_dead_letter(event_id: UUID) -> Any:
    """Give the event up; the log keeps who did."""
    with transaction() as tx:
        try:
            inbox.skip(tx.session, str(event_id))
        except inbox.NotDead as error:
            raise not_found("dead letter") from error
        operations.record(
            tx.session, tx.actor, "dead_letter.skipped", "event", event_id,
            operator_path=operations.SYSTEM_PATH,
        )  # fmt: skip
        return tx.answer(None, {"event_id": str(event_id), "state": "skipped"})


# ---------------------------------------------------------------- jobs
jobs_blueprint = Blueprint("jobs", __name__, description="Work that takes long")
job_table = table(
    "job",
    *columns(
        "id kind state total done failed created_at started_at finished_at error result actor"
        " undoes operator_path"
    ),
)
row_table = table("job_row", *columns("job_id position subject state verdict"))


class JobArguments(PageArguments):
    state = ma.fields.String(validate=ma.validate.Length(max=20))
    kind = ma.fields.String(validate=ma.validate.Length(max=60))


def job_body(job: Any) -> dict[str, Any]:
    """As api.md says: id, kind, state, total, done, failed, times, result."""
    names = "id kind state total done failed created_at started_at finished_at result error actor undoes"
    return {name: getattr(job, name) for name in names.split()}


def accepted(tx: Any, job: Any) -> Response:
    """202 with the job's place."""
    response: Response = tx.answer(
        None, job_body(job), 202, headers={"Location": f"/v1/jobs/{job.id}"}
    )
    return response


def _job(session: Any, job_id: UUID) -> Any:
    found = jobs.read(session, job_id)
    if found is None:
        raise not_found("job")
    return found


@jobs_blueprint.get("/v1/jobs")
@jobs_blueprint.arguments(JobArguments, location="query")
@jobs_blueprint.response(200)
@permission("jobs.read")
def list_jobs(arguments: dict[str, Any]) -> Any:
    """Newest first."""
    scope = principal().scope
    query = select(job_table).where(scope.covers(job_table.c.operator_path))
    for name in ("state", "kind"):
        if name in arguments:
            query = query.where(job_table.c[name] == arguments[name])
    with _database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=job_table.c.id, default_sort="-created_at",
            sortable={"created_at": job_table.c.created_at},
        )  # fmt: skip
    return _json(found.body(job_body), found.headers())


@jobs_blueprint.get("/v1/jobs/<uuid:job_id>")
@jobs_blueprint.response(200)
@permission("jobs.read")
def get_job(job_id: UUID) -> Any:
    """State and progress."""
    with _database().transaction(principal().scope) as session:
        return _json(job_body(_job(session, job_id)))


@jobs_blueprint.get("/v1/jobs/<uuid:job_id>/rows")
@jobs_blueprint.arguments(JobArguments, location="query")
@jobs_blueprint.response(200)
@permission("jobs.read")
def list_job_rows(arguments: dict[str, Any], job_id: UUID) -> Any:
    """The verdict for each row of the frozen list."""
    query = select(row_table).where(row_table.c.job_id == job_id)
    if "state" in arguments:
        query = query.where(row_table.c.state == arguments["state"])
    with _database().transaction(principal().scope) as session:
        _job(session, job_id)
        found = page(
            session, query, arguments, key=row_table.c.position, default_sort="position",
            sortable={"position": row_table.c.position},
        )  # fmt: skip
    names = ("position", "subject", "state", "verdict")
    return _json(found.body(lambda row: {n: getattr(row, n) for n in names}), found.headers())


@jobs_blueprint.get("/v1/jobs/<uuid:job_id>/events")
@jobs_blueprint.response(200, content_type="text/event-stream")
@permission("jobs.read")
def watch_job(job_id: UUID) -> Any:
    """Progress as server-sent events, until the job ends or a minute is over."""
    database, scope = _database(), principal().scope
    with database.transaction(scope) as session:
        _job(session, job_id)

    def progress() -> Iterator[str]:
        until, last = time.monotonic() + WATCH_SECONDS, ""
        while time.monotonic() < until:
            with database.transaction(scope) as session:
                job = jobs.read(session, job_id)
            now = orjson.dumps(job_body(job), default=str).decode()
            if now != last:
                yield f"event: progress\ndata: {now}\n\n"
                last = now
            if job.state in ("succeeded", "failed", "cancelled"):
                return
            time.sleep(0.5)

    return Response(stream_with_context(progress()), content_type="text/event-stream")


@jobs_blueprint.post("/v1/jobs/<uuid:job_id>/<any(cancel, pause, resume, undo):what>")
@jobs_blueprint.response(200)
@permission("jobs.write")
def move_job(job_id: UUID, what: Any) -> Any:
    """Cancel, pause, resume, or queue the inverse of what was done."""
    with transaction() as tx:
        job = _job(tx.session, job_id)
        try:
            if what == "undo":
                kinds: jobs.Jobs = current_app.extensions["tenure.jobs"]
                moved = jobs.undo(tx.session, kinds, job, tx.actor)
            else:
                moved = jobs.move(tx.session, job_id, what)
        except jobs.NotPossible as error:
            raise Problem(409, "job-state", "Not possible now", str(error)) from error
        operations.record(
            tx.session, tx.actor, f"job.{what}", "job", job_id, operator_path=job.operator_path,
            after={"state": moved.state, "job": str(moved.id)}, personal=False,
        )  # fmt: skip
        return accepted(tx, moved) if what == "undo" else tx.answer(None, job_body(moved))


# ---------------------------------------------------------------- operations log
log = Blueprint("operations", __name__, description="Who did what, append-only and chained")
operation = table(
    "operation",
    *columns("id at actor actor_id action subject_kind subject operator_path ip request_id"),
)  # fmt: skip
detail = table("operation_detail", *columns("operation_id before after reason"))


class OperationArguments(PageArguments):
    subject = ma.fields.UUID()
    actor = ma.fields.String(validate=ma.validate.Length(max=100))
    action = ma.fields.String(validate=ma.validate.Length(max=100))


@log.get("/v1/operations")
@log.arguments(OperationArguments, location="query")
@log.response(200)
@permission("operations.read")
def list_operations(arguments: dict[str, Any]) -> Any:
    """The log of the caller's branch, newest first: at, actor, action, subject, before, after, reason."""
    scope = principal().scope
    query = (
        select(operation, detail.c.before, detail.c.after, detail.c.reason)
        .select_from(operation)
        .outerjoin(detail, detail.c.operation_id == operation.c.id)
        .where(scope.covers(operation.c.operator_path))
    )
    for name in ("subject", "actor", "action"):
        if name in arguments:
            query = query.where(operation.c[name] == arguments[name])
    with _database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=operation.c.id, default_sort="-at",
            sortable={"at": operation.c.at},
        )  # fmt: skip
    names = [
        "id",
        "at",
        "actor",
        "action",
        "subject_kind",
        "subject",
        "before",
        "after",
        "reason",
        "ip",
        "request_id",
    ]
    return _json(found.body(lambda row: {n: getattr(row, n) for n in names}), found.headers())


@log.get("/v1/operations/verify")
@log.response(200)
@permission("operations.verify")
def verify_operations() -> Any:
    """Walk the chain; names the first row that was changed, removed or added."""
    with _database().transaction() as session:
        operations.seal(session)
        verdict = operations.verify(session)
    return _json(vars(verdict))


def _json(body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body, default=str), headers=headers, content_type="application/json"
    )
