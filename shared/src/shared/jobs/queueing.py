"""The job row: made with its frozen list, read, paused, resumed, cancelled, undone, tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Select, column, func, insert, literal, table, text
from sqlalchemy import select as sql_select
from sqlalchemy.orm import Session

from shared.database import uuid7
from shared.jobs.kinds import Jobs, Row
from shared.operations import Actor

job_row = table("job_row", column("job_id"), column("position"), column("subject"))


def enqueue(
    session: Session,
    kind: str,
    actor: Actor,
    *,
    operator_path: str,
    params: Mapping[str, Any] | None = None,
    subjects: Sequence[UUID] | None = None,
    select: Select[Any] | tuple[str, Mapping[str, Any]] | None = None,
    undoes: UUID | None = None,
) -> Row:
    """Freeze the list, each subject once, and queue the job.

    `select` yields one uuid column, already scoped: a Core select, or SQL and its values.
    """
    job_id = UUID(str(uuid7()))
    session.execute(
        text(
            "INSERT INTO job (id, kind, params, operator_path, actor, actor_id, ip, undoes)"
            " VALUES (:id, :kind, CAST(:params AS jsonb), :path, :actor, :actor_id, :ip, :undoes)"
        ),
        {
            "id": job_id,
            "kind": kind,
            "params": orjson.dumps(dict(params or {}), default=str).decode(),
            "path": operator_path,
            "actor": actor.name,
            "actor_id": actor.id,
            "ip": actor.ip,
            "undoes": undoes,
        },
    )
    if subjects is not None:
        select = (
            "SELECT unnest(CAST(:subjects AS uuid[])) AS subject",
            {"subjects": list(subjects)},
        )
    if select is not None:
        _freeze(session, job_id, select)
        session.execute(
            text(
                "UPDATE job SET total = (SELECT count(*) FROM job_row WHERE job_id = :id)"
                " WHERE id = :id"
            ),
            {"id": job_id},
        )
    return read(session, job_id)


def _freeze(
    session: Session, job_id: UUID, select: Select[Any] | tuple[str, Mapping[str, Any]]
) -> None:
    """In the order given; a subject that comes twice keeps its first place."""
    if isinstance(select, tuple):
        chosen = text(
            "SELECT row_number() OVER () AS place, found.subject"
            f" FROM ({select[0]}) AS found(subject)"
        ).bindparams(**select[1])
        placed = chosen.columns(column("place"), column("subject")).subquery("placed")
    else:
        found = select.subquery("found")
        placed = sql_select(
            func.row_number().over().label("place"), list(found.c)[0].label("subject")
        ).subquery("placed")
    position = func.row_number().over(order_by=func.min(placed.c.place))
    session.execute(
        insert(job_row).from_select(
            ["job_id", "position", "subject"],
            sql_select(literal(job_id), position, placed.c.subject).group_by(placed.c.subject),
        )
    )


def read(session: Session, job_id: UUID) -> Row:
    """The job, or None when there is none in the caller's branch."""
    return session.execute(text("SELECT * FROM job WHERE id = :id"), {"id": job_id}).one_or_none()


def due(session: Session) -> bool:
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM job WHERE state IN ('queued', 'running')"
                " AND (lease_until IS NULL OR lease_until <= now()))"
            )
        )
    )


class NotPossible(ValueError):
    """The job's state does not allow this."""


_MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    "pause": (("queued", "running"), "paused"),
    "resume": (("paused",), "queued"),
    "cancel": (("queued", "running", "paused"), "cancelled"),
}


def move(session: Session, job_id: UUID, what: Literal["pause", "resume", "cancel"]) -> Row:
    """Pause, resume or cancel; rows already done stay done. Raises NotPossible."""
    allowed, state = _MOVES[what]
    done = session.execute(
        text(
            "UPDATE job SET state = :state, lease_until = NULL,"
            " finished_at = CASE WHEN :state = 'cancelled' THEN now() END"
            " WHERE id = :id AND state = ANY(:allowed)"
        ),
        {"id": job_id, "state": state, "allowed": list(allowed)},
    )
    if done.rowcount == 0:  # type: ignore[attr-defined]
        raise NotPossible(f"only a job that is {' or '.join(allowed)} takes a {what}")
    return read(session, job_id)


def undo(session: Session, jobs: Jobs, job: Row, actor: Actor) -> Row:
    """Queue the inverse over the rows that this job did. Raises NotPossible."""
    kind = jobs.kinds.get(job.kind)
    if kind is None or kind.inverse is None:
        raise NotPossible(f"{job.kind} has no inverse")
    if job.params.get("dry_run"):
        raise NotPossible("it was a dry run: it changed nothing")
    # Locked, so that two callers at once do not undo it twice.
    state = session.scalar(text("SELECT state FROM job WHERE id = :id FOR UPDATE"), {"id": job.id})
    if state in ("queued", "running"):
        raise NotPossible("pause or cancel it first")
    if session.scalar(
        text("SELECT EXISTS (SELECT FROM job WHERE undoes = :id AND state <> 'cancelled')"),
        {"id": job.id},
    ):
        raise NotPossible("it was undone already")
    if state == "paused":
        # What is undone must not be done again by a later resume.
        move(session, job.id, "cancel")
    return enqueue(
        session,
        kind.inverse,
        actor,
        operator_path=job.operator_path,
        params={**job.params, "undoes": str(job.id)},
        select=(
            "SELECT subject FROM job_row WHERE job_id = :done AND state = 'done' ORDER BY position",
            {"done": job.id},
        ),
        undoes=job.id,
    )


def retry(session: Session, job: Row, actor: Actor) -> Row:
    """Queue the rows that failed once more, as a job of their own. Raises NotPossible."""
    # Locked, so that two callers at once do not queue them twice.
    state = session.scalar(text("SELECT state FROM job WHERE id = :id FOR UPDATE"), {"id": job.id})
    if state in ("queued", "running", "paused"):
        raise NotPossible("wait for its end, or cancel it first")
    if session.scalar(
        text(
            "SELECT EXISTS (SELECT FROM job WHERE params @> jsonb_build_object('retries',"
            " CAST(:id AS text)) AND state IN ('queued', 'running', 'paused'))"
        ),
        {"id": str(job.id)},
    ):
        raise NotPossible("its failures are being tried again")
    again = enqueue(
        session,
        job.kind,
        actor,
        operator_path=job.operator_path,
        params={**job.params, "retries": str(job.id)},
        select=(
            "SELECT subject FROM job_row WHERE job_id = :job AND state = 'failed' ORDER BY position",
            {"job": job.id},
        ),
    )
    if again.total == 0:
        raise NotPossible("no row of it failed")
    return again
