"""Drift between books and network: found on demand or every minute, by class."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import or_, select, text

from radius_sync.jobs import RECONCILE
from radius_sync.persistence import reconciliation as table
from radius_sync.schemas import ReconcileSchema
from radius_sync.schemas.reconciliations import (
    ReconciliationReportSchema,
    ReconciliationSchema,
)
from shared import operations
from shared.http import Blueprint, PlainPageArguments, database, page, permission, transaction
from shared.http.operating import JobSchema, accepted
from shared.http.operating.answering import as_json, page_of
from shared.http.problems import not_found
from shared.jobs import enqueue

reconciliations = Blueprint("reconciliations", __name__, description="Drift")


@reconciliations.post("/v1/reconciliations")
@reconciliations.arguments(ReconcileSchema)
@reconciliations.response(202, JobSchema)
@permission("reconciliations.write")
def start(values: dict[str, Any]) -> Response:
    """Compare every target and session; with `heal`, repair. The job's id also names its report."""
    with transaction() as tx:
        job = enqueue(tx.session, RECONCILE, tx.actor, operator_path="", params=values)
        operations.record(
            tx.session, tx.actor, "reconciliation.started", "job", job.id, operator_path="",
            after=values, personal=False,
        )  # fmt: skip
        return accepted(tx, job)


@reconciliations.get("/v1/reconciliations")
@reconciliations.arguments(PlainPageArguments, location="query")
@reconciliations.response(200, page_of(ReconciliationSchema))
@permission("reconciliations.read")
def list_reports(arguments: dict[str, Any]) -> Any:
    """The reports of drift, newest first."""
    with database().transaction() as session:
        found = page(
            session, select(table), arguments, key=table.c.id, default_sort="-started_at",
            sortable={"started_at": table.c.started_at},
        )  # fmt: skip
    return as_json(found.body(_dump), found.headers())


@reconciliations.get("/v1/reconciliations/<uuid:report_id>")
@reconciliations.response(200, ReconciliationReportSchema)
@permission("reconciliations.read")
def get_report(report_id: UUID) -> Any:
    """One report, by its own id or that of its job, with the first thousand differences."""
    with database().transaction() as session:
        row = session.execute(
            # A job whose worker died left a report behind that nobody finished.
            select(table)
            .where(or_(table.c.id == report_id, table.c.job_id == report_id))
            .order_by(table.c.started_at.desc())
        ).first()
        if row is None:
            raise not_found("reconciliation")
        rows = session.execute(
            text(
                "SELECT target, class, username, CAST(customer_id AS text) AS customer_id, detail,"
                " healed FROM drift WHERE reconciliation_id = :id ORDER BY id LIMIT 1000"
            ),
            {"id": row.id},
        ).all()
    return as_json({**_dump(row), "rows": [dict(one._mapping) for one in rows]})


def _dump(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "job_id": None if row.job_id is None else str(row.job_id),
        "heal": row.heal,
        "actor": row.actor,
        "started_at": row.started_at.isoformat(),
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
        "checked": row.checked,
        "drift": row.drift,
        "healed": row.healed,
    }
