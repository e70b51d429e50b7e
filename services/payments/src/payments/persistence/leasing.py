"""Work at a gateway that is due, leased to one worker; who holds a lease that runs out has died."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

# Longer than every call to a gateway.
LEASE = timedelta(seconds=90)


def due(table: str, at: str, tries: str, *, also: str = "", clock: str = "now()") -> TextClause:
    """For `take`: rows of `table` whose time `at` has come by `clock`, counted in `tries`."""
    return text(
        f"UPDATE {table} t SET {at} = {clock} + :lease, {tries} = t.{tries} + 1{also}"
        f" FROM (SELECT id FROM {table} WHERE gateway = :gateway AND {at} <= {clock}"
        f" ORDER BY {at} LIMIT :most FOR UPDATE SKIP LOCKED) due WHERE t.id = due.id RETURNING t.*"
    )


def take(session: Session, statement: TextClause, gateway: str, most: int) -> list[Any]:
    """The rows; nobody else gets them while the lease lasts."""
    return list(session.execute(statement, {"gateway": gateway, "most": most, "lease": LEASE}))
