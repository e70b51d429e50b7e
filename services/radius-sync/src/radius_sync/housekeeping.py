"""What time does to rows: stale sessions are closed, old traces go."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database

# Days that attempts and reports are kept: long enough for a dispute about last month's bill.
KEPT_DAYS = 90


def close_stale_sessions(session: Session, most: int = 500) -> int:
    """Close sessions that have missed three interims (F27), marked `Stale-Session`; how many."""
    found = session.execute(text("SELECT * FROM close_stale_sessions(:most)"), {"most": most})
    return len(found.all())


_OLD = (
    "DELETE FROM tick WHERE at < now() - interval '2 days'",
    "DELETE FROM disconnect_order WHERE id IN (SELECT id FROM disconnect_order"
    " WHERE created_at < now() - :days * interval '1 day'"
    " AND state IN ('done', 'gone', 'cancelled', 'failed') LIMIT 5000)",
    "DELETE FROM reconciliation WHERE started_at < now() - :days * interval '1 day'",
)


def clean(database: Database) -> None:
    for statement in _OLD:
        with database.transaction() as session:
            session.execute(text(statement), {"days": KEPT_DAYS} if ":days" in statement else {})
