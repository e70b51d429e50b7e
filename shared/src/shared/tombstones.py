"""A database restored from before an erasure learns of it from the file of tombstones (F36, I10).

Each service keeps how far it has read. Every line is of somebody who was erased in all services; so
whoever it names behind that place and is not erased here shows that this database is older than the
file. `catch_up` erases them: `migrate` calls it before anything else runs, a worker's timer later on.
`keep_closed` lets no web role use such a database before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from shared.database import Database, uuid7
from shared.events import CustomerErasing, Wire
from shared.logs import logger
from shared.settings import Settings
from shared.tombstone_file import START, Altered, Place, Tombstone, TombstoneFile, file_of

log = logger("tombstones")
# One look is a probe of a primary key for each.
READ_AT_ONCE = 5000
CHUNK = 500
SECONDS = 2.0
_READ = "SELECT bytes, chain FROM tombstones_read"
_KEEP = text("UPDATE tombstones_read SET bytes = :bytes, chain = :chain")
_LOST = text("UPDATE tombstones_read SET bytes = 0, chain = '', lost_at = now()")


def _nothing(*_: object) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Erasing:
    """What a service does with the file.

    `unclaimed` is SQL with `%(ids)s`: of whom this database still holds something, not knowing them as
    erased; it keeps a web role closed. `unknown`, if it is there, finds those of whom it never heard.
    `claim` erases both, or begins to, and `finish` brings it so far that a web role may serve.
    `lost` is done when the file that was read is not there any more.
    """

    unclaimed: str
    claim: Callable[[Session, Sequence[Tombstone]], None]
    unknown: str = ""
    finish: Callable[[], object] = _nothing
    lost: Callable[[Session], None] = _nothing


def catch_up(database: Database, settings: Settings, erasing: Erasing) -> tuple[int, Place]:
    """Read on and erase who is not erased here; how many, and how far it came: to the end of the file,
    unless somebody else is at it. Raises Altered.
    """
    file, claimed = file_of(settings), 0
    with database.transaction() as session:
        place = _place(session, file, erasing)
    while True:
        found, following = file.read(place, READ_AT_ONCE)
        if not found:
            return claimed, place
        claimed += _claim(database, erasing, found)
        with database.transaction() as session:
            if _named(session, erasing.unclaimed, found):
                return claimed, place
            keep(session, following)
        place = following


def _claim(database: Database, erasing: Erasing, found: Sequence[Tombstone]) -> int:
    with database.transaction() as session:
        back = _named(session, erasing.unclaimed, found)
        if erasing.unknown:
            back |= _named(session, erasing.unknown, found)
    known = {one.customer_id: one for one in found}
    for first in range(0, len(back), CHUNK):
        with database.transaction() as session:
            erasing.claim(session, [known[one] for one in sorted(back)[first : first + CHUNK]])
    if back:
        log.error("tombstones.claimed", customers=len(back))
        erasing.finish()
    return len(back)


def _named(session: Session, which: str, found: Sequence[Tombstone]) -> set[UUID]:
    ids = [one.customer_id for one in found]
    return {row[0] for row in session.connection().exec_driver_sql(which, {"ids": ids})}


def keep(session: Session, place: Place) -> None:
    """So far this database has read the file, or written it."""
    session.execute(_KEEP, {"bytes": place.bytes, "chain": place.chain})


def reopen(database: Database, settings: Settings, erasing: Erasing) -> int:
    """For `migrate`: the whole file, whatever was read of it; how many were claimed.

    Ends the process, saying what to do, when the file was altered.
    """
    with database.transaction() as session:
        _place(session, file_of(settings), erasing)
        keep(session, START)
    try:
        return catch_up(database, settings, erasing)[0]
    except Altered as altered:
        raise SystemExit(str(altered)) from altered


def _place(session: Session, file: TombstoneFile, erasing: Erasing) -> Place:
    place = Place(*session.execute(text(_READ)).one())
    if file.holds(place):
        return place
    log.error(
        "tombstones.lost", file=str(file.path), read_bytes=place.bytes,
        do="if there is a newer copy, put it there and restart; what customers knows is written anew",
    )  # fmt: skip
    session.execute(_LOST)
    erasing.lost(session)
    return START


def as_event(one: Tombstone) -> Wire:
    """The `CustomerErasing` that this database heard of, or will never hear."""
    return {
        "id": str(uuid7()), "type": CustomerErasing.type, "subject": str(one.customer_id),
        "sequence": 1, "operatorpath": one.operator_path,
        "data": {"erasure_id": str(one.erasure_id), "mode": one.mode},
    }  # fmt: skip


# ---------------------------------------------------------------- the web role
class OlderThanTombstones(psycopg.OperationalError):
    """The database was restored from before an erasure that is not done again yet."""


def keep_closed(database: Database, settings: Settings, unclaimed: str) -> None:
    """From here on no connection to a database that is older than the file is ever used.

    A restored database has new connections: so a connection is asked once, and a request never.
    """
    file = file_of(settings)

    def look(connection: psycopg.Connection, _record: Any) -> None:
        try:
            refuse_older(connection, file, unclaimed)
            connection.rollback()
        except BaseException:
            connection.close()
            raise

    event.listen(database.engine, "connect", look)
    # Those of before were not asked.
    database.engine.dispose()


def refuse_older(connection: psycopg.Connection, file: TombstoneFile, unclaimed: str) -> None:
    """Raises OlderThanTombstones."""
    row = connection.execute(_READ).fetchone()
    place = START if row is None else Place(*row)
    place = place if file.holds(place) else START
    while True:
        try:
            found, following = file.read(place, READ_AT_ONCE)
        except Altered as altered:
            raise OlderThanTombstones(str(altered)) from altered
        if following == place:
            return
        ids = [one.customer_id for one in found]
        if connection.execute(unclaimed.encode(), {"ids": ids}).fetchone() is not None:
            raise OlderThanTombstones(
                f"the database is older than {file.path}: erasures are done again first"
            )
        place = following
