"""The request: a row for the file, and the job that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import exports, jobs
from shared.database import Scope, uuid7
from shared.exporting.resources import KIND, Resource
from shared.operations import Actor
from shared.settings import Settings
from shared.sorting import parsed


def request_export(
    session: Session,
    settings: Settings,
    actor: Actor,
    resource: Resource,
    *,
    operator_path: str,
    scope: Scope,
    format: exports.Format,
    filters: Mapping[str, Any],
    columns: Sequence[str] | None,
    time_zone: str,
    sort: str | None = None,
) -> tuple[UUID, jobs.Row]:
    """Queue the file; its id and its job. `filters` is kept as sent: `resource.filters` accepted it.

    Raises exports.UnknownColumn, UnknownSort.
    """
    if sort is not None:
        parsed(sort, resource.sortable)
    shown = exports.chosen(resource.columns, columns)
    export_id = UUID(str(uuid7()))
    # The job knows the id only: a filter may name a person, and goes with the file.
    job = jobs.enqueue(
        session, KIND, actor, operator_path=operator_path, params={"export_id": str(export_id)}
    )
    session.execute(
        text(
            "INSERT INTO export (id, job_id, resource, format, operator_path, operator_id, params,"
            " expires_at) VALUES (:id, :job, :resource, :format, :path, :operator,"
            " CAST(:params AS jsonb), :expires)"
        ),
        {
            "id": export_id,
            "job": job.id,
            "resource": resource.name,
            "format": format,
            "path": operator_path,
            "operator": actor.id,
            "params": orjson.dumps(
                {
                    "filter": dict(filters),
                    "columns": [column.name for column in shown],
                    "scope": scope.path,
                    "time_zone": time_zone,
                    "sort": sort,
                }
            ).decode(),
            "expires": datetime.now(UTC) + timedelta(hours=settings.export_hours),
        },
    )
    return export_id, job
