"""The doctor at a target: over a connection of its own, outside any transaction of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from radius_sync import targets
from radius_sync.doctor.database import SKEW_SECONDS, examine_database
from radius_sync.doctor.findings import Finding
from radius_sync.settings import FREERADIUS_ROLE, Settings


def examine_target(target: Any, settings: Settings) -> list[Finding]:
    """`target` is its row. One whose database cannot be reached has no other fault of it."""
    return [*_server(target), *_database(target, settings)]


def _server(target: Any) -> Iterator[Finding]:
    """What the RADIUS server itself told when it was asked last (radius_sync.watching)."""
    place = f"RADIUS server of {target.name}"
    if target.radius_state == "silent":
        yield Finding(
            "radius_silent", place, "it does not answer Status-Server: nobody logs in there",
            "is it running, does it know us as a client, are the secrets the same?",
        )  # fmt: skip
    if target.radius_skew is not None and abs(target.radius_skew) > SKEW_SECONDS:
        yield Finding(
            "radius_clock_skew", place,
            f"its clock and ours are {abs(target.radius_skew):.0f} s apart: validity ends at the"
            " wrong time", "let both keep time by NTP (chrony)",
        )  # fmt: skip


def _database(target: Any, settings: Settings) -> list[Finding]:
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
