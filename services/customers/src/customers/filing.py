"""Who is erased gets a line in the file of tombstones, and only then the erasure its certificate (F36).

Only whoever has all receipts: so a line always means gone everywhere. What is to be written is in
rows: a crash between the line and the row that says so writes the line twice, and never not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import erasure_saga, replaying
from customers.exporting import RESOURCES
from shared import tombstones
from shared.database import Database
from shared.settings import Settings
from shared.tombstone_file import Moved, Tombstone, file_of
from shared.tombstones import Erasing

# A second's work at most, with one wait for the disk.
CHUNK = 5000
_UNFILED = text(
    "SELECT s.customer_id, s.erasure_id, e.mode, c.operator_path, s.finished_at AS at"
    " FROM (SELECT * FROM erasure_subject WHERE state = 'done' AND NOT filed"
    "  ORDER BY erasure_id, customer_id LIMIT :most) s"
    " JOIN erasure e ON e.id = s.erasure_id JOIN customer c ON c.id = s.customer_id"
    " ORDER BY s.erasure_id, s.customer_id"
)
_FILED = text(
    "UPDATE erasure_subject s SET filed = true"
    " FROM unnest(CAST(:erasures AS uuid[]), CAST(:ids AS uuid[])) AS f(erasure_id, customer_id)"
    " WHERE s.erasure_id = f.erasure_id AND s.customer_id = f.customer_id"
)
# They get a line again: the file that had them is gone.
_UNFILE = text("UPDATE erasure_subject SET filed = false WHERE state = 'done' AND filed")


def of_the_file(database: Database, settings: Settings) -> Erasing:
    """What this service does with the tombstones of the file."""
    return Erasing(
        unclaimed=replaying.UNCLAIMED,
        unknown=replaying.UNKNOWN,
        claim=lambda session, found: replaying.claim(session, found, settings.secret_key),
        # What is held of them goes at once, before a webhook or the feed tells of it.
        finish=lambda: erasure_saga.advance(database, settings, RESOURCES),
        lost=_write_all_anew,
    )


def _write_all_anew(session: Session) -> None:
    # A million take longer than a request may.
    session.execute(text("SET LOCAL statement_timeout = '600s'"))
    session.execute(_UNFILE)


def file_due(database: Database, settings: Settings) -> int:
    """Read what others wrote, then write who is erased and not yet in the file; how many.

    Raises Altered: then nothing is written, and no certificate comes, until somebody has looked.
    """
    filed = 0
    with database.lock("tombstones") as mine:
        if not mine:
            return 0
        _, end = tombstones.catch_up(database, settings, of_the_file(database, settings))
        while found := _unfiled(database):
            try:
                end = file_of(settings).append(found, end)
            except Moved:
                # The next turn reads what somebody else wrote meanwhile.
                return filed
            with database.transaction() as session:
                session.execute(_FILED, {
                    "erasures": [one.erasure_id for one in found], "ids": _ids(found),
                })  # fmt: skip
                tombstones.keep(session, end)
            filed += len(found)
    return filed


def _unfiled(database: Database) -> list[Tombstone]:
    with database.transaction() as session:
        rows = session.execute(_UNFILED, {"most": CHUNK})
        return [Tombstone(*row) for row in rows]


def _ids(found: Sequence[Tombstone]) -> list[UUID]:
    return [one.customer_id for one in found]
