"""Events out: written in the transaction that caused them, read by the relay (push) and the feed (pull)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import orjson
from sqlalchemy import BigInteger, Column, Connection, Table, Text, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Session

from shared.arrays import Array
from shared.database import Scope, metadata, uuid7
from shared.events import TYPES, Event, Wire, payload

outbox = Table(
    "outbox",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", UUID(as_uuid=True), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("operator_path", Text(collation="C"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text),
    Column("data", JSONB, nullable=False),
)

FEED_LIMIT = 500
# By type; an event that was erased before its turn has none.
HEARD: dict[str | None, tuple[str, ...]] = {kind.type: kind.heard_by for kind in TYPES.values()}


_HEARD_TYPES = ",".join(sorted(kind.type for kind in TYPES.values() if kind.heard_by))


def telling(insert: str) -> TextClause:
    """This INSERT into the outbox, and its events put before the relay.

    What nobody subscribes to goes to the feed only.
    """
    return text(
        f"WITH told AS ({insert} RETURNING position, id, type)"
        " INSERT INTO outbox_unsent (position, id) SELECT position, id FROM told"
        f" WHERE type = ANY('{{{_HEARD_TYPES}}}')"
    )


_PUBLISH = telling(
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, request_id, data)"
    " SELECT id, type, subject, sequence, operator_path, :actor, :request_id, data"
    " FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS g(id uuid, type text, subject uuid,"
    " sequence bigint, operator_path text, data jsonb)"
)


def publish(
    session: Session, *events: Event, actor: str = "system", request_id: str | None = None
) -> None:
    """Add events to the caller's transaction, in one statement. Nothing leaves before it commits."""
    rows = [
        {
            "id": str(uuid7()),
            "type": event.type,
            "subject": event.subject,
            "sequence": event.sequence,
            "operator_path": event.operator_path,
            "data": payload(event),
        }
        for event in events
    ]
    if rows:
        given = orjson.dumps(rows, default=str).decode()
        session.execute(_PUBLISH, {"actor": actor, "request_id": request_id, "events": given})


def envelope(service: str, row: Any, data: Any) -> Wire:
    """A CloudEvents 1.0 object of an outbox row and its data."""
    return {
        "specversion": "1.0",
        "id": str(row.id),
        "source": f"/{service}",
        "type": row.type,
        "subject": str(row.subject),
        "time": row.occurred_at.isoformat(),
        "datacontenttype": "application/json",
        "sequence": row.sequence,
        "operatorpath": row.operator_path,
        "actorid": row.actor,
        "data": data,
    }


def told_outside(event: Wire) -> Wire:
    """The event for an operator's front end: a sealed password is of use to FreeRADIUS only."""
    customer = event["data"].get("customer", {})
    if "password" not in customer:
        return event
    shown = {name: value for name, value in customer.items() if name != "password"}
    return {**event, "data": {**event["data"], "customer": shown}}


def decode(wire: Wire) -> Event:
    """The event behind a CloudEvents 1.0 JSON object. Raises msgspec.ValidationError, KeyError."""
    kind = TYPES[wire["type"]]
    return msgspec.convert(
        {
            **wire["data"],
            "subject": wire["subject"],
            "sequence": wire["sequence"],
            "operator_path": wire["operatorpath"],
        },
        kind,
    )


# The same as `envelope` makes for the feed, but as text: the relay only passes it on.
_UNSENT = text(
    "SELECT message, type, CAST(json_agg(event) AS text) AS events, count(*) AS number,"
    " CAST(array_agg(position) AS text) AS positions"
    " FROM (SELECT position, type, (row_number() OVER (ORDER BY position) - 1) / :batch AS message,"
    "  json_build_object('specversion', '1.0', 'id', id, 'source', CAST(:source AS text),"
    "   'type', type, 'subject', subject, 'time', occurred_at,"
    "   'datacontenttype', 'application/json', 'sequence', sequence,"
    "   'operatorpath', operator_path, 'actorid', actor, 'data', data) AS event"
    "  FROM (SELECT * FROM outbox_unsent ORDER BY position LIMIT :most) u"
    "  LEFT JOIN LATERAL (SELECT type, subject, occurred_at, sequence, operator_path, actor, data"
    "   FROM outbox o WHERE o.id = u.id OFFSET 0) event ON true) told"  # each by the primary key
    " GROUP BY message, type ORDER BY message, min(position)"
)
_SENT = text("DELETE FROM outbox_unsent WHERE position = ANY(CAST(:positions AS bigint[]))")


_WAITING = text("SELECT EXISTS (SELECT FROM outbox_unsent ORDER BY position LIMIT 1)")


def waiting(connection: Connection) -> bool:
    """Whether there is anything to hand over: one round trip, for who asks forty times a second."""
    return bool(connection.scalar(_WAITING))


@dataclass(frozen=True, slots=True)
class Unsent:
    """Events of one type: a part of the message with this number. `events` is a JSON array."""

    message: int
    type: str | None
    events: str
    number: int
    positions: Array


def unsent(session: Session, service: str, most: int, batch: int) -> list[Unsent]:
    """What nobody has handed over yet, oldest first, in messages of up to `batch` events."""
    asked = {"source": f"/{service}", "most": most, "batch": batch}
    return [Unsent(**row) for row in session.execute(_UNSENT, asked).mappings()]


def mark_sent(session: Session, sent: Iterable[Unsent]) -> None:
    for part in sent:
        session.execute(_SENT, {"positions": part.positions})


class BadCursor(ValueError):
    """The cursor is none that this feed has given."""


def feed(
    session: Session,
    service: str,
    *,
    after: str,
    limit: int,
    scope: Scope,
    types: list[str] | None = None,
) -> tuple[list[Wire], str]:
    """Events after the cursor, oldest first, and the next cursor.

    Only rows below the oldest open transaction are shown: above it a smaller one may still commit.
    When nothing is left the cursor moves up to that horizon, so that a subscriber of few types does
    not read the others again and again.
    """
    xid, position = _parse(after)
    # Asked before the rows: a horizon a little too old only hides rows until the next walk.
    horizon = int(session.scalar(_HORIZON) or 0)
    if xid > horizon:
        # A cursor of another life of this database (a dump was restored): events are facts with
        # versions, so the whole feed again is merely no news.
        xid, position = 0, 0
    condition = (
        "" if scope.path is None else " AND operator_path >= :lo AND operator_path < :hi"
    ) + ("" if types is None else " AND type = ANY(:types)")
    rows = session.execute(
        text(
            "SELECT *, xid::text AS xid_text FROM outbox"
            " WHERE (xid, position) > (CAST(:xid AS text)::xid8, :position)"
            " AND xid < CAST(:horizon AS text)::xid8"
            f"{condition} ORDER BY xid, position LIMIT :limit"
        ),
        {
            "xid": str(xid),
            "position": position,
            "horizon": str(horizon),
            "limit": limit,
            "types": types,
            **({} if scope.path is None else {"lo": scope.path, "hi": scope.end}),
        },
    ).all()
    last = rows[-1] if len(rows) == limit else None
    following = f"{last.xid_text}.{last.position}" if last else f"{horizon}.0"
    return [envelope(service, row, row.data) for row in rows], following


def one(session: Session, service: str, event_id: Any, scope: Scope) -> Wire | None:
    """An event of the branch that the feed has shown; None when there is none, or none any more."""
    place = session.execute(
        text("SELECT xid::text AS xid, position FROM outbox WHERE id = :id"), {"id": event_id}
    ).one_or_none()
    if place is None:
        return None
    before = f"{place.xid}.{place.position - 1}"
    found, _ = feed(session, service, after=before, limit=1, scope=scope)
    return found[0] if found and found[0]["id"] == str(event_id) else None


_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")


def _parse(cursor: str) -> tuple[int, int]:
    xid, _, position = cursor.partition(".")
    if not (cursor.isascii() and xid.isdecimal() and position.isdecimal() and len(cursor) < 45):
        raise BadCursor(cursor)
    pair = int(xid), int(position)
    if pair[0] >= 2**64 or pair[1] >= 2**63:
        raise BadCursor(cursor)
    return pair


def backlog(session: Session) -> tuple[int, datetime | None]:
    """How many events wait for the relay, and since when."""
    row = session.execute(
        text(
            "SELECT (SELECT count(*) FROM outbox_unsent), (SELECT o.occurred_at"
            " FROM outbox_unsent u JOIN outbox o USING (id) ORDER BY u.position LIMIT 1)"
        )
    ).one()
    return int(row[0]), row[1]
