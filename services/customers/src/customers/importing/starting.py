"""A file that was tried is taken in earnest: the same rows, mapped as they were."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Missing, Refusal
from customers.importing.taking import KIND
from shared import jobs, operations
from shared.database import Scope
from shared.operations import Actor

_ROWS = "SELECT id FROM import_row WHERE import_id = :import ORDER BY line"


def start(session: Session, scope: Scope, actor: Actor, import_id: UUID) -> Any:
    """Queue the job that adds the customers. Raises Missing, and Refusal when it is no trial any more
    or the trial still runs."""
    found = session.execute(
        text("SELECT * FROM import WHERE id = :id FOR UPDATE"), {"id": import_id}
    ).one_or_none()
    if found is None or not scope.holds(found.operator_path):
        raise Missing("import")
    tried = jobs.read(session, found.job_id)
    if not found.dry_run:
        raise Refusal("started", "It is started already.")
    if tried.state in ("queued", "running", "paused"):
        raise Refusal("still_tried", "The trial has not ended: wait for it, or cancel it.")
    job = jobs.enqueue(
        session, KIND, actor, operator_path=found.operator_path,
        params={**tried.params, "dry_run": False},
        select=(_ROWS, {"import": import_id}),
    )  # fmt: skip
    session.execute(
        text("UPDATE import SET dry_run = false, job_id = :job WHERE id = :id"),
        {"job": job.id, "id": import_id},
    )
    operations.record(
        session, actor, "import.started", "import", import_id, operator_path=found.operator_path,
        after={"rows": found.rows, "job": str(job.id)}, personal=False,
    )  # fmt: skip
    return job
