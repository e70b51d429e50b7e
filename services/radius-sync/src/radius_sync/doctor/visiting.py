"""The doctor at a target: over a connection of its own, outside any transaction of ours."""

from __future__ import annotations

from typing import Any

import psycopg

from radius_sync import targets
from radius_sync.doctor.database import examine_database
from radius_sync.doctor.findings import Finding
from radius_sync.settings import FREERADIUS_ROLE, Settings


def examine_target(target: Any, settings: Settings) -> list[Finding]:
    """`target` is its row. One that cannot be reached has that as its only fault."""
    try:
        if target.embedded:
            url = settings.database_url.set(drivername="postgresql")
            address = url.render_as_string(hide_password=False)
            with psycopg.connect(address, **targets.LIMITS) as embedded:  # type: ignore[arg-type]
                return examine_database(embedded, FREERADIUS_ROLE)
        with targets.connect(target, settings.secret_key) as remote:
            return examine_database(remote, FREERADIUS_ROLE)
    except psycopg.errors.QueryCanceled:
        fix = "run `python -m radius_sync doctor` on a machine of the site: it takes its time"
        return [Finding("not_finished", f"target {target.name}", "its tables take too long", fix)]
    except psycopg.Error as error:
        told = str(error).splitlines()[0][:300]
        fix = "is its PostgreSQL running, and its address in the target right?"
        return [Finding("unreachable", f"target {target.name}", told, fix)]
