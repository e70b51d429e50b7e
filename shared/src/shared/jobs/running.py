"""Running what is due: claimed by a lease, let go at SIGTERM, given up when it kills its workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.database import Database, passes
from shared.jobs.chunks import END, LEASE_SECONDS, do_chunk
from shared.jobs.kinds import Interrupted, Jobs, Row, Stopped
from shared.logs import logger

log = logger("jobs")
# A job that ended its worker this often is itself the fault.
MOST_ATTEMPTS = 5
# A whole job reports when it can; a sort of 20 million rows before its first row takes longer.
RENEW_SECONDS = 20
# After a deadlock or a lock that others hold: their chunk takes less than a second.
AGAIN_SECONDS = 2

_CLAIM = text(
    "UPDATE job SET state = 'running', attempts = attempts + 1,"
    " started_at = coalesce(started_at, now()), lease_until = now() + :lease * interval '1 second'"
    " WHERE id = (SELECT id FROM job WHERE state IN ('queued', 'running')"
    " AND (lease_until IS NULL OR lease_until <= now()) ORDER BY created_at LIMIT 1"
    " FOR UPDATE SKIP LOCKED) RETURNING *"
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
            while do_chunk(database, kind, job):
                if stopping.is_set():
                    raise Interrupted
    except Stopped:
        log.info("job.stopped", job_id=str(job.id))
    except Interrupted:
        _let_go(database, job.id)
    except Exception as error:
        if passes(error):
            # On with it soon, by whoever comes first.
            log.warning("job.interrupted", job_id=str(job.id), error=type(error).__name__)
            with suppress(SQLAlchemyError):
                _let_go(database, job.id, AGAIN_SECONDS)
        else:
            log.exception("job.failed", job_id=str(job.id))
            _end(database, job.id, "failed", error=f"{type(error).__name__}: {error}"[:2000])


@contextmanager
def _renewed(database: Database, job_id: UUID) -> Iterator[None]:
    """Keeps the lease while a whole job is busy with something that reports nothing."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            with suppress(SQLAlchemyError), database.transaction() as session:
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
            END,
            {"id": job_id, "state": state, "error": error,
             "result": None if result is None else orjson.dumps(result, default=str).decode()},
        )  # fmt: skip
