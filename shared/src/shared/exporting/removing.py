"""Files go: by their time, by an erasure, and after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import exports
from shared.exporting.resources import Resource, folder_of, name_of
from shared.settings import Settings

# What is left of a removed export says who exported what kind of thing and when, not about whom.
_GONE = "UPDATE export e SET removed_at = now(), path = NULL, params = e.params - 'filter'"


def remove_expired(session: Session, settings: Settings) -> dict[str, Any]:
    """For a tick, every ten minutes: files past their time go, and what a crash left behind."""
    expired = session.execute(
        text(f"{_GONE} WHERE removed_at IS NULL AND expires_at < now() RETURNING *")
    ).all()
    remove(settings, expired)
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
    remove(settings, gone)
    return len(gone)


def remove(settings: Settings, gone: Sequence[Any]) -> None:
    for export in gone:
        (folder_of(settings) / name_of(export)).unlink(missing_ok=True)
