"""The job: one snapshot, one file, published only if nobody was erased meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from shared import exports, jobs
from shared.database import Database, Scope
from shared.exporting.removing import remove
from shared.exporting.resources import KIND, Resource, folder_of, name_of
from shared.exports import Column, Manifest
from shared.settings import Settings

# A report to the job row at most twice a second: each is a transaction.
REPORT_SECONDS = 0.5
# An hour is far above 20 million rows (engine: 200,000 in about a second), and ends a runaway query.
MOST_SECONDS = 3600
REMOVED = "removed before it was ready: its time was over or a customer was erased; ask again"


def export_kind(resources: Sequence[Resource], settings: Settings) -> jobs.Kind:
    """The job that writes the files of these resources."""
    known = {resource.name: resource for resource in resources}

    def whole(database: Database, job: jobs.Row, progress: Callable[[int], None]) -> dict[str, Any]:
        export = _begin(database, UUID(job.params["export_id"]))
        if export is None:
            raise RuntimeError(REMOVED)
        manifest = _write(database, settings, known[export.resource], export, progress)
        if not _finish(database, export.id, manifest, name_of(export)):
            remove(settings, [export])
            raise RuntimeError(REMOVED)
        return {"export_id": str(export.id), **manifest.as_json()}

    return jobs.Kind(name=KIND, permission="exports.write", whole=whole)


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
    filters = resource.filters().load(export.params["filter"])
    if resource.prepared is not None:
        filters = resource.prepared(database, filters, scope)
    query = resource.ordered(filters, scope, export.params.get("sort"))
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
def _reading(database: Database, scope: Scope) -> Iterator[Connection]:
    """A connection for one export: patient, and under row-level security for a caller below the root.

    It is closed afterwards, not given back: no other transaction may inherit its role.
    """
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
