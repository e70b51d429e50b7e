"""The long work of this service, for web (undo) and worker alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radius_sync import reconciling
from radius_sync.settings import Settings
from shared.database import Database
from shared.jobs import Jobs, Kind, Row, actor_of

RECONCILE = "reconcile"


def jobs(settings: Settings) -> Jobs:
    def reconcile(database: Database, job: Row, _: Callable[[int], None]) -> dict[str, Any]:
        heal = bool(job.params["heal"])
        return reconciling.run(
            database, settings.secret_key, heal=heal, actor=actor_of(job), job_id=job.id,
            loopback=settings.demo,
        )  # fmt: skip

    return Jobs(Kind(name=RECONCILE, permission="reconciliations.write", whole=reconcile))
