"""Exports as jobs (seeds E20 to E24): a request becomes a file in the service's own folder, for a day.

The file is whole or absent (F37), readable by its owner only, and gone after its time, or as soon
as somebody whose data it may hold is erased.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from sqlalchemy import Connection, Select, text
from sqlalchemy.orm import Session

from shared import exports, jobs
from shared.database import Database, Scope, uuid7
from shared.exports import Column, Manifest
from shared.operations import Actor
from shared.settings import Settings

KIND = "export"
# A report to the job row at most twice a second: each is a transaction.
REPORT_SECONDS = 0.5
# An hour is far above 20 million rows (engine: 200,000 in about a second), and ends a runaway query.
MOST_SECONDS = 3600

REMOVED = "removed before it was ready: its time was over or a customer was erased; ask again"


class NoFilter(ma.Schema):
    """A resource that is exported whole."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What may be exported under one name.

    `select` gives FROM, WHERE (with `scope.covers(…)`) and ORDER BY; its columns are replaced by
    those asked for. `filters` checks what the caller sends under `filter` and gives `select` its
    first argument. `permission` is needed beside `exports.write`. `personal`: the file goes when
    a customer is erased. `sum_column` is added up into the manifest (E24).
    """

    name: str
    columns: Sequence[Column]
    select: Callable[[Mapping[str, Any], Scope], Select[Any]]
    permission: str
    filters: type[ma.Schema] = NoFilter
    personal: bool = True
    sum_column: str | None = None


def folder_of(settings: Settings) -> Path:
    return settings.home / "exports" / settings.service


def name_of(export: Any) -> str:
    """The file's name, made of our own words and the id only."""
    return exports.download_name(export.resource, export.id, export.format)


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
) -> tuple[UUID, jobs.Row]:
    """Queue the file; its id and its job. `filters` is kept as sent: `resource.filters` accepted it.

    Raises exports.UnknownColumn.
    """
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
                }
            ).decode(),
            "expires": datetime.now(UTC) + timedelta(hours=settings.export_hours),
        },
    )
    return export_id, job


def export_kind(resources: Sequence[Resource], settings: Settings) -> jobs.Kind:
    """The job that writes the files of these resources."""
    known = {resource.name: resource for resource in resources}

    def whole(database: Database, job: jobs.Row, progress: Callable[[int], None]) -> dict[str, Any]:
        export = _begin(database, UUID(job.params["export_id"]))
        if export is None:
            raise RuntimeError(REMOVED)
        manifest = _write(database, settings, known[export.resource], export, progress)
        if not _finish(database, export.id, manifest, name_of(export)):
            _remove(settings, [export])
            raise RuntimeError(REMOVED)
        return {"export_id": str(export.id), **manifest.as_json()}

    return jobs.Kind(name=KIND, whole=whole)


def _begin(database: Database, export_id: UUID) -> Any:
    """The export, once no erasure is under way whose effect its snapshot could miss (see forget)."""
    with database.transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '60s'"))
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('exports'))"))
        return session.execute(
            text("SELECT * FROM export WHERE id = :id AND removed_at IS NULL"), {"id": export_id}
        ).one_or_none()


def _write(
    database: Database,
    settings: Settings,
    resource: Resource,
    export: Any,
    progress: Callable[[int], None],
) -> Manifest:
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    scope = Scope(export.params["scope"])
    shown = exports.chosen(resource.columns, export.params["columns"])
    query = resource.select(resource.filters().load(export.params["filter"]), scope)
    with _reading(database, scope) as connection:
        return exports.write(
            connection,
            query.with_only_columns(*exports.expressions(shown), maintain_column_froms=True),
            shown,
            folder / name_of(export),
            export.format,
            time_zone=export.params["time_zone"],
            on_progress=_seldom(progress),
            sum_column=_summable(resource.sum_column, shown),
        )


def _summable(name: str | None, shown: Sequence[Column]) -> str | None:
    return name if name in [column.name for column in shown] else None


def _seldom(progress: Callable[[int], None]) -> Callable[[int], None]:
    last = 0.0

    def report(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_SECONDS:
            last = time.monotonic()
            progress(rows)

    return report


@contextmanager
def _reading(database: Database, scope: Scope) -> Any:
    """A connection for one export: patient, and under row-level security for a caller below the root.

    It is closed afterwards, not given back: no other transaction may inherit its role.
    """
    connection: Connection
    with database.engine.connect() as connection:
        try:
            connection.execute(text(f"SET statement_timeout = '{MOST_SECONDS}s'"))
            if scope.path is not None:
                connection.execute(
                    text(
                        "SELECT set_config('tenure.scope', :lo, false),"
                        " set_config('tenure.scope_end', :hi, false),"
                        " set_config('role', :role, false)"
                    ),
                    {"lo": scope.path, "hi": scope.end, "role": f"{database.role}_scoped"},
                )
            connection.commit()
            yield connection
        finally:
            connection.invalidate()


def _finish(database: Database, export_id: UUID, manifest: Manifest, name: str) -> bool:
    """Publish the file; False when it was removed meanwhile."""
    with database.transaction() as session:
        done = session.execute(
            text(
                "UPDATE export SET path = :name, manifest = CAST(:manifest AS jsonb)"
                " WHERE id = :id AND removed_at IS NULL"
            ),
            {
                "id": export_id,
                "name": name,
                "manifest": orjson.dumps(manifest.as_json()).decode(),
            },
        )
    return bool(done.rowcount)  # type: ignore[attr-defined]


# What is left of a removed export says who exported what kind of thing and when, not about whom.
_GONE = "UPDATE export e SET removed_at = now(), path = NULL, params = e.params - 'filter'"


def remove_expired(session: Session, settings: Settings) -> dict[str, Any]:
    """For a tick, every ten minutes: files past their time go, and what a crash left behind."""
    expired = session.execute(
        text(f"{_GONE} WHERE removed_at IS NULL AND expires_at < now() RETURNING *")
    ).all()
    _remove(settings, expired)
    folder = folder_of(settings)
    if not folder.is_dir():
        return {"expired": len(expired), "left_behind": 0}
    return {
        "expired": len(expired),
        "left_behind": exports.remove_stale(folder) + _sweep(session, folder),
    }


def _sweep(session: Session, folder: Path) -> int:
    """Remove whole files whose row says that they are gone."""
    there = [path for path in folder.iterdir() if not path.name.startswith(exports.PARTIAL)]
    if not there:
        return 0
    living = session.execute(
        text("SELECT id, resource, format FROM export WHERE removed_at IS NULL")
    )
    names = {name_of(row) for row in living}
    gone = [path for path in there if path.name not in names]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def forget(
    session: Session,
    settings: Settings,
    resources: Sequence[Resource],
    *,
    branches: Sequence[str] | None = None,
) -> int:
    """For an erasure, in its transaction: remove every file that may hold the erased; how many.

    Which rows a file holds is not looked up: all files of `personal` resources go that were begun
    before now by an operator whose branch covers one of `branches` (the paths of the erased; None:
    all branches). Their owners can export again.

    Files are removed at once, before the commit: a rollback then costs a file that anybody can make
    again, and never leaves one behind. An export that begins while this transaction is open waits
    for its end (the advisory lock), so its snapshot has the erasure behind it.
    """
    session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('exports'))"))
    gone = session.execute(
        text(
            f"{_GONE} FROM job WHERE job.id = e.job_id AND e.removed_at IS NULL"
            " AND e.resource = ANY(:resources) AND job.started_at IS NOT NULL"
            " AND (CAST(:branches AS text[]) IS NULL OR EXISTS (SELECT FROM"
            " unnest(CAST(:branches AS text[])) AS branch WHERE starts_with(branch, e.operator_path)))"
            " RETURNING e.*"
        ),
        {
            "resources": [resource.name for resource in resources if resource.personal],
            "branches": None if branches is None else list(branches),
        },
    ).all()
    _remove(settings, gone)
    return len(gone)


def _remove(settings: Settings, gone: Sequence[Any]) -> None:
    for export in gone:
        (folder_of(settings) / name_of(export)).unlink(missing_ok=True)
