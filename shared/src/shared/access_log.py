"""Who looked at or fetched personal data (issue: a view of who looked at or exported it).

Never in the way of the read: what was shown is kept in memory and written a second later, many at once,
beside the requests. What a killed process had not written yet is lost, at most that second; what an
operator changes or exports stands in the operations log as well, which loses nothing.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import column, select, table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.database import Database
from shared.logs import logger

log = logger("access")
# Long enough for many at once, short enough to see what somebody does while they do it.
SECONDS = 1.0
# An hour of a busy console; with the database away, reads fail too.
MOST = 100_000
TRIES = 5
# GDPR article 5(1)(e): what operators looked at is their personal data as well. A year is what audits ask.
KEPT_DAYS = 365
FIELDS = ("id", "at", "actor", "actor_id", "operator_path", "ip", "request_id", "what", "subject",
          "records")  # fmt: skip
access = table("access_log", *(column(name) for name in FIELDS))


@dataclass(frozen=True, kw_only=True)
class Look:
    """One answer that showed personal data. `records` None: as many rows as the file `subject` has."""

    at: datetime
    actor: str
    actor_id: UUID | None
    operator_path: str
    ip: str | None
    request_id: str
    what: str
    subject: UUID | None
    records: int | None


# A year later, some with each write: a service that shows nothing gets no rows either.
_FORGET = text(
    "DELETE FROM access_log WHERE id IN (SELECT id FROM access_log"
    " WHERE at < now() - :days * interval '1 day' ORDER BY at LIMIT 1000)"
)
_WRITE = text(
    "INSERT INTO access_log (id, at, actor, actor_id, operator_path, ip, request_id, what, subject,"
    " records) SELECT gen_random_uuid(), l.at, l.actor, l.actor_id, l.operator_path, l.ip,"
    " l.request_id, l.what, coalesce(CAST(x.params ->> 'customer_id' AS uuid), l.subject),"
    " coalesce(l.records, CAST(x.manifest ->> 'rows' AS bigint), 1)"
    " FROM jsonb_to_recordset(CAST(:looks AS jsonb)) AS l(at timestamptz, actor text,"
    " actor_id uuid, operator_path text, ip text, request_id text, what text, subject uuid,"
    " records bigint) LEFT JOIN export x ON x.id = l.subject AND l.records IS NULL"
)


class AccessLog:
    """The looks of one web process. `add` costs an append; a timer runs only while there are some."""

    def __init__(self, database: Database, seconds: float = SECONDS) -> None:
        self.database, self.seconds = database, seconds
        self.waiting: deque[Look] = deque(maxlen=MOST)
        self.lock = threading.Lock()
        self.timer: threading.Timer | None = None
        self.failures = 0
        self.closed = False
        database.before_close.append(self.close)
        atexit.register(self.close)

    def add(self, look: Look) -> None:
        self.waiting.append(look)
        with self.lock:
            if self.timer is None and not self.closed:
                self._wind()

    def _wind(self) -> None:
        self.timer = threading.Timer(self.seconds, self._due)
        self.timer.daemon = True
        self.timer.start()

    def _due(self) -> None:
        done = self.flush()
        with self.lock:
            again = bool(self.waiting) and (done or self.failures < TRIES) and not self.closed
            self.timer = None
            if again:
                self._wind()

    def flush(self) -> bool:
        """Write what waits; False when that failed, and it waits on."""
        looks = [self.waiting.popleft() for _ in range(len(self.waiting))]
        if not looks:
            return True
        try:
            with self.database.transaction() as session:
                write(session, looks)
        except SQLAlchemyError as error:
            self.failures += 1
            self.waiting.extendleft(reversed(looks))
            log.warning("access_log.waits", looks=len(looks), error=type(error).__name__)
            return False
        self.failures = 0
        return True

    def close(self) -> None:
        """The database closes, or the process ends: nothing is timed any more, and what waited is written."""
        atexit.unregister(self.close)
        with self.lock:
            self.closed, timer = True, self.timer
        if timer is not None:
            timer.cancel()
            timer.join()
        self.flush()


def write(session: Session, looks: Sequence[Look]) -> None:
    rows = [asdict(look) for look in looks]
    session.execute(_WRITE, {"looks": orjson.dumps(rows, default=str).decode()})
    session.execute(_FORGET, {"days": KEPT_DAYS})


def listed(filters: Any) -> Any:
    """The rows that the filters leave."""
    a = access.c
    query = select(access)
    for name in ("actor", "what", "subject"):
        if name in filters:
            query = query.where(a[name] == filters[name])
    if "from" in filters:
        query = query.where(a.at >= filters["from"])
    if "to" in filters:
        query = query.where(a.at < filters["to"])
    return query
