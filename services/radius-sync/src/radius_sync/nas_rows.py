"""Our NASes in the stock table `nas` of each target, from which FreeRADIUS learns a client at its
first packet. Secrets stay sealed there; FreeRADIUS opens them as it opens passwords (ADR 0007).
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

NAMES = "nasname, shortname, type, secret, description"
# Rows that somebody else made stay.
OURS = "description LIKE 'tenure: %'"

_WANTED = text(f"SELECT {NAMES} FROM desired_nas ORDER BY nasname")
_REWRITE = text(
    f"WITH gone AS (DELETE FROM nas WHERE {OURS})"
    f" INSERT INTO nas ({NAMES}) SELECT {NAMES} FROM desired_nas"
)


def rewrite(session: Session) -> None:
    """Replace all of ours on the embedded target: there are thousands at most."""
    # One at a time: two side by side would both insert what both have deleted.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('radius-sync.nases'))"))
    session.execute(_REWRITE)


def wanted(session: Session) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(_WANTED)]


def replace(remote: psycopg.Connection, rows: list[tuple[Any, ...]]) -> None:
    """All of ours on a target, inside the caller's transaction there."""
    remote.execute(f"DELETE FROM nas WHERE {OURS}".encode())
    with remote.cursor() as cursor:
        cursor.executemany(f"INSERT INTO nas ({NAMES}) VALUES (%s, %s, %s, %s, %s)".encode(), rows)
