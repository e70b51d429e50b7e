"""The next rows of a job in one transaction, each with its verdict; one bad row spoils no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database, passes
from shared.jobs.kinds import Kind, Row, Stopped, Verdict
from shared.logs import logger

log = logger("jobs")
# One transaction of 500 rows takes well below a second, so nobody waits long for its locks.
CHUNK = 500
# Long enough for a chunk or a progress report, short enough to go on soon after a crash.
LEASE_SECONDS = 60

END = text(
    "UPDATE job SET state = :state, finished_at = now(), lease_until = NULL, error = :error,"
    " result = CAST(:result AS jsonb) WHERE id = :id AND state = 'running'"
)


def do_chunk(database: Database, kind: Kind, job: Row) -> bool:
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
                END,
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
    except Exception as error:
        if passes(error):
            raise
        log.warning("job.chunk_refused", job_id=str(job.id), error=type(error).__name__)
    verdicts: dict[UUID, Verdict] = {}
    for subject in subjects:
        try:
            with session.begin_nested():
                verdicts |= kind.chunk(session, job, [subject])
        except Exception as error:
            if passes(error):
                raise
            verdicts[subject] = ("failed", {"error": str(error)[:500]})
    return verdicts


def _note(
    session: Session, job_id: UUID, subjects: Sequence[UUID], verdicts: Mapping[UUID, Verdict]
) -> None:
    missing: Verdict = ("skipped", {"detail": "not found any more"})
    rows = [(subject, *verdicts.get(subject, missing)) for subject in subjects]
    session.execute(
        text(
            "UPDATE job_row SET state = v.state, verdict = v.verdict"
            " FROM jsonb_to_recordset(CAST(:verdicts AS jsonb))"
            " AS v(subject uuid, state text, verdict jsonb)"
            " WHERE job_id = :job AND job_row.subject = v.subject AND job_row.state = 'pending'"
        ),
        {
            "job": job_id,
            "verdicts": orjson.dumps(
                [{"subject": row[0], "state": row[1], "verdict": row[2]} for row in rows],
                default=str,
            ).decode(),
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
