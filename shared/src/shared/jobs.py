"""Work that takes long: a row with a frozen list of subjects, done in chunks, resumable at any line.

A worker that dies leaves its lease to run out; the next one goes on with the rows still pending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from shared.database import Database, uuid7
from shared.logs import logger
from shared.operations import Actor

log = logger("jobs")
# One transaction of 500 rows takes well below a second, so nobody waits long for its locks.
CHUNK = 500
# Long enough for a chunk or a progress report, short enough to go on soon after a crash.
LEASE_SECONDS = 60
# A job that ended its worker this often is itself the fault.
MOST_ATTEMPTS = 5

State = Literal["done", "failed", "skipped"]
Verdict = tuple[State, dict[str, Any]]
Row = Any
ChunkWork = Callable[[Session, Row, Sequence[UUID]], Mapping[UUID, Verdict]]
WholeWork = Callable[[Database, Row, Callable[[int], None]], dict[str, Any]]


# A whole job reports when it can; a sort of 20 million rows before its first row takes longer.
RENEW_SECONDS = 20
# After a deadlock or a lock that others hold: their chunk takes less than a second.
AGAIN_SECONDS = 2


class Stopped(Exception):
    """The job was paused or cancelled while it ran."""


class Interrupted(Exception):
    """This worker is stopping; another one goes on with the job."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A sort of job: either `chunk` (per-row verdicts, set-based) or `whole` (a file, a report).

    `inverse` names the kind that undoes it; `finish` runs in the last transaction of a chunked job
    and gives the job's result.
    """

    name: str
    chunk: ChunkWork | None = None
    whole: WholeWork | None = None
    inverse: str | None = None
    finish: Callable[[Session, Row], dict[str, Any]] | None = None


class Jobs:
    """The kinds of one service. Built where the use cases are wired, used by web (undo) and worker."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = {kind.name: kind for kind in kinds}


def enqueue(
    session: Session,
    kind: str,
    actor: Actor,
    *,
    operator_path: str,
    params: Mapping[str, Any] | None = None,
    subjects: Sequence[UUID] | None = None,
    select: tuple[str, Mapping[str, Any]] | None = None,
    undoes: UUID | None = None,
) -> Row:
    """Freeze the list and queue the job. `select` is SQL that yields one uuid column, already scoped."""
    job_id = UUID(str(uuid7()))
    session.execute(
        text(
            "INSERT INTO job (id, kind, params, operator_path, actor, actor_id, undoes)"
            " VALUES (:id, :kind, CAST(:params AS jsonb), :path, :actor, :actor_id, :undoes)"
        ),
        {
            "id": job_id,
            "kind": kind,
            "params": orjson.dumps(dict(params or {}), default=str).decode(),
            "path": operator_path,
            "actor": actor.name,
            "actor_id": actor.id,
            "undoes": undoes,
        },
    )
    if subjects is not None:
        select = (
            "SELECT unnest(CAST(:subjects AS uuid[])) AS subject",
            {"subjects": list(subjects)},
        )
    if select is not None:
        session.execute(
            text(
                "INSERT INTO job_row (job_id, position, subject)"
                " SELECT :_job, row_number() OVER (ORDER BY min(place)), subject"
                " FROM (SELECT chosen.subject, row_number() OVER () AS place"
                f" FROM ({select[0]}) AS chosen(subject)) AS placed GROUP BY subject"
            ),
            {**select[1], "_job": job_id},
        )
        session.execute(
            text(
                "UPDATE job SET total = (SELECT count(*) FROM job_row WHERE job_id = :id)"
                " WHERE id = :id"
            ),
            {"id": job_id},
        )
    return read(session, job_id)


def read(session: Session, job_id: UUID) -> Row:
    """The job, or None when there is none in the caller's branch."""
    return session.execute(text("SELECT * FROM job WHERE id = :id"), {"id": job_id}).one_or_none()


_CLAIM = text(
    "UPDATE job SET state = 'running', attempts = attempts + 1,"
    " started_at = coalesce(started_at, now()), lease_until = now() + :lease * interval '1 second'"
    " WHERE id = (SELECT id FROM job WHERE state IN ('queued', 'running')"
    " AND (lease_until IS NULL OR lease_until <= now()) ORDER BY created_at LIMIT 1"
    " FOR UPDATE SKIP LOCKED) RETURNING *"
)


def due(session: Session) -> bool:
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM job WHERE state IN ('queued', 'running')"
                " AND (lease_until IS NULL OR lease_until <= now()))"
            )
        )
    )


def run_due(database: Database, jobs: Jobs, stopping: threading.Event | None = None) -> int:
    """Run the jobs that are due, one after the other; how many. Lets go soon after `stopping` is set."""
    ran, stopping = 0, stopping or threading.Event()
    while not stopping.is_set():
        with database.transaction() as session:
            job = session.execute(_CLAIM, {"lease": LEASE_SECONDS}).one_or_none()
        if job is None:
            break
        _run(database, jobs, job, stopping)
        ran += 1
    return ran


def _run(database: Database, jobs: Jobs, job: Row, stopping: threading.Event) -> None:
    try:
        if job.attempts > MOST_ATTEMPTS:
            raise RuntimeError(f"given up: it ended its worker {MOST_ATTEMPTS} times")
        kind = jobs.kinds[job.kind]
        if kind.whole is not None:
            with _renewed(database, job.id):
                result = kind.whole(database, job, _reporter(database, job.id, stopping))
            _end(database, job.id, "succeeded", result=result)
        else:
            while _chunk(database, kind, job):
                if stopping.is_set():
                    raise Interrupted
    except Stopped:
        log.info("job.stopped", job_id=str(job.id))
    except Interrupted:
        _let_go(database, job.id)
    except (OperationalError, InterfaceError):
        # The database is away, or others hold the rows: on with it soon, by whoever comes first.
        log.warning("job.interrupted", job_id=str(job.id))
        with suppress(OperationalError, InterfaceError):
            _let_go(database, job.id, AGAIN_SECONDS)
    except Exception as error:
        log.exception("job.failed", job_id=str(job.id))
        _end(database, job.id, "failed", error=f"{type(error).__name__}: {error}"[:2000])


@contextmanager
def _renewed(database: Database, job_id: UUID) -> Iterator[None]:
    """Keeps the lease while a whole job is busy with something that reports nothing."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            with suppress(OperationalError, InterfaceError), database.transaction() as session:
                session.execute(_RENEW, {"id": job_id, "lease": LEASE_SECONDS})

    thread = threading.Thread(target=renew, name=f"lease {job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


_RENEW = text(
    "UPDATE job SET lease_until = now() + :lease * interval '1 second'"
    " WHERE id = :id AND state = 'running'"
)


def _let_go(database: Database, job_id: UUID, seconds: int = 0) -> None:
    """The job is due again after `seconds`, and this start does not count against it."""
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE job SET lease_until = now() + :seconds * interval '1 second',"
                " attempts = greatest(attempts - 1, 0) WHERE id = :id AND state = 'running'"
            ),
            {"id": job_id, "seconds": seconds},
        )


def _reporter(database: Database, job_id: UUID, stopping: threading.Event) -> Callable[[int], None]:
    def report(done: int) -> None:
        if stopping.is_set():
            raise Interrupted
        _report(database, job_id, done)

    return report


def _report(database: Database, job_id: UUID, done: int) -> None:
    """Progress of a whole job; raises Stopped when it was paused or cancelled."""
    with database.transaction() as session:
        state = session.scalar(
            text(
                "UPDATE job SET done = :done, lease_until = now() + :lease * interval '1 second'"
                " WHERE id = :id RETURNING state"
            ),
            {"id": job_id, "done": done, "lease": LEASE_SECONDS},
        )
    if state != "running":
        raise Stopped


def _end(
    database: Database,
    job_id: UUID,
    state: str,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    with database.transaction() as session:
        session.execute(
            _END,
            {"id": job_id, "state": state, "error": error,
             "result": None if result is None else orjson.dumps(result, default=str).decode()},
        )  # fmt: skip


_END = text(
    "UPDATE job SET state = :state, finished_at = now(), lease_until = NULL, error = :error,"
    " result = CAST(:result AS jsonb) WHERE id = :id AND state = 'running'"
)


def _chunk(database: Database, kind: Kind, job: Row) -> bool:
    """Do the next rows in one transaction; False when none is left and the job is ended."""
    assert kind.chunk is not None
    with database.transaction() as session:
        state = session.scalar(
            text("SELECT state FROM job WHERE id = :id FOR UPDATE"), {"id": job.id}
        )
        if state != "running":
            raise Stopped
        subjects = list(
            session.scalars(
                text(
                    "SELECT subject FROM job_row WHERE job_id = :id AND state = 'pending'"
                    " ORDER BY position LIMIT :most"
                ),
                {"id": job.id, "most": CHUNK},
            )
        )
        if not subjects:
            result = kind.finish(session, job) if kind.finish else {}
            session.execute(
                _END,
                {"id": job.id, "state": "succeeded", "error": None,
                 "result": orjson.dumps(result, default=str).decode()},
            )  # fmt: skip
            return False
        _note(session, job.id, subjects, _verdicts(session, kind, job, subjects))
    return True


def _verdicts(
    session: Session, kind: Kind, job: Row, subjects: Sequence[UUID]
) -> Mapping[UUID, Verdict]:
    """The chunk as one set; when it fails, each row on its own, so that one bad row spoils no other."""
    assert kind.chunk is not None
    try:
        with session.begin_nested():
            return kind.chunk(session, job, subjects)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.warning("job.chunk_refused", job_id=str(job.id), error=type(error).__name__)
    verdicts: dict[UUID, Verdict] = {}
    for subject in subjects:
        try:
            with session.begin_nested():
                verdicts |= kind.chunk(session, job, [subject])
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            verdicts[subject] = ("failed", {"error": str(error)[:500]})
    return verdicts


def _note(
    session: Session, job_id: UUID, subjects: Sequence[UUID], verdicts: Mapping[UUID, Verdict]
) -> None:
    missing: Verdict = ("skipped", {"detail": "not found any more"})
    rows = [(subject, *verdicts.get(subject, missing)) for subject in subjects]
    session.execute(
        text(
            "UPDATE job_row SET state = v.state, verdict = v.verdict FROM"
            " unnest(CAST(:subjects AS uuid[]), CAST(:states AS text[]), CAST(:verdicts AS jsonb[]))"
            " AS v(subject, state, verdict)"
            " WHERE job_id = :job AND job_row.subject = v.subject AND job_row.state = 'pending'"
        ),
        {
            "job": job_id,
            "subjects": [row[0] for row in rows],
            "states": [row[1] for row in rows],
            "verdicts": [orjson.dumps(row[2], default=str).decode() for row in rows],
        },
    )
    session.execute(
        text(
            "UPDATE job SET done = done + :done, failed = failed + :failed, attempts = 0,"
            " lease_until = now() + :lease * interval '1 second' WHERE id = :job"
        ),
        {
            "job": job_id,
            "done": len(rows),
            "failed": sum(row[1] == "failed" for row in rows),
            "lease": LEASE_SECONDS,
        },
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
        raise NotPossible(f"a job can only be {state} while it is {' or '.join(allowed)}")
    return read(session, job_id)


def undo(session: Session, jobs: Jobs, job: Row, actor: Actor) -> Row:
    """Queue the inverse over the rows that this job did. Raises NotPossible."""
    kind = jobs.kinds.get(job.kind)
    if kind is None or kind.inverse is None:
        raise NotPossible(f"{job.kind} has no inverse")
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
