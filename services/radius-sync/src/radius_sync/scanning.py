"""The look at every start for values that FreeRADIUS would execute (reliability 3.6, B8)."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.logs import logger

log = logger("scanning")

_EXECUTABLE = text(
    "SELECT 'radcheck' AS place, id FROM radcheck WHERE value ~ :quoted"
    " UNION ALL SELECT 'radreply', id FROM radreply WHERE value ~ :quoted"
    " UNION ALL SELECT 'radgroupcheck', id FROM radgroupcheck WHERE value ~ :quoted"
    " UNION ALL SELECT 'radgroupreply', id FROM radgroupreply WHERE value ~ :quoted LIMIT 100"
)


def find_executable_values(session: Session) -> list[tuple[str, int]]:
    """(table, id) of values that FreeRADIUS would expand or strip (reliability 3.6, B8).

    The constraints refuse them; this finds what came in before them or past them, as by a restored
    dump, whose constraints may be missing.
    """
    found = session.execute(_EXECUTABLE, {"quoted": "^([`\"']).*\\1$"})
    return [(row.place, row.id) for row in found]


def refuse_executable_values(session: Session) -> None:
    """Raises SystemExit naming the rows: no role starts over a database that could run their text."""
    if found := find_executable_values(session):
        places = ", ".join(f"{table} {row}" for table, row in found[:5])
        log.error("scanning.executable_values", rows=len(found), places=places)
        raise SystemExit(
            f"{len(found)} values that FreeRADIUS would execute: {places}."
            " Remove these rows, then start again."
        )
