"""How long answers to Idempotency-Keys are kept (`shared.http.transactions` writes them)."""

from __future__ import annotations

from sqlalchemy import text

from shared.database import Database

# Reliability 2.2: a front end has given up long before. In pieces, so that no statement takes long.
KEPT_HOURS, PIECE = 72, 10_000
_FORGET = text(
    "DELETE FROM idempotency WHERE (principal, key) IN (SELECT principal, key FROM idempotency"
    " WHERE created_at < now() - :hours * interval '1 hour' LIMIT :piece FOR UPDATE SKIP LOCKED)"
)


def forget_old(database: Database, piece: int = PIECE) -> int:
    """Remove the answers that are past their time; how many."""
    forgotten = 0
    while True:
        with database.transaction() as session:
            gone = session.execute(_FORGET, {"hours": KEPT_HOURS, "piece": piece})
            count = int(gone.rowcount)  # type: ignore[attr-defined]
        forgotten += count
        if count < piece:
            return forgotten
