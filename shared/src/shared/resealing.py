"""Sealed values brought under the newest key, so that an older one can go (shared.sealing).

In chunks of their own transactions: it may be ended and begun again at any line.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database
from shared.sealing import mark, seal, unseal

CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where sealed values lie: `key` tells the rows apart, `column` holds the value."""

    table: str
    key: str
    column: str


def reseal(database: Database, place: Place, keys: bytes) -> int:
    """All of a table; how many were under an older key."""
    done = 0
    while count := _some(database, place, keys):
        done += count
    return done


def _some(database: Database, place: Place, keys: bytes) -> int:
    with database.transaction() as session:
        return _reseal(session, place, keys)


def _reseal(session: Session, place: Place, keys: bytes) -> int:
    rows = session.execute(
        text(
            f"SELECT {place.key} AS key, {place.column} AS sealed FROM {place.table}"
            f" WHERE substr({place.column}, 4, 8) <> :mark ORDER BY 1 LIMIT :most FOR UPDATE"
        ),
        {"mark": mark(keys), "most": CHUNK},
    ).all()
    session.execute(
        text(
            f"UPDATE {place.table} SET {place.column} = n.sealed"
            " FROM unnest(CAST(:keys AS text[]), CAST(:sealed AS text[])) AS n(key, sealed)"
            f" WHERE CAST({place.key} AS text) = n.key"
        ),
        {
            "keys": [str(row.key) for row in rows],
            "sealed": [seal(unseal(row.sealed, keys), keys) for row in rows],
        },
    )
    return len(rows)
