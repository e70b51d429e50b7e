"""From the feeds of all services to a row per endpoint and event.

Each feed has a cursor of its own here, moved in the transaction that writes the rows: no event is lost
or doubled by a crash. What happened before an endpoint was made is not sent to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.webhooks.endpoints import SENT
from shared import outbox
from shared.database import EVERYTHING, Database
from shared.events import Wire
from shared.outbox import FEED_LIMIT
from shared.settings import Settings
from shared.tokens import service_token

SOURCES = ("customers", "payments", "radius-sync")
# Asked for when nobody listens: nothing fits, and the cursor moves on.
NOBODY = "webhook.none"
# Nothing else to do with a feed that somebody fills faster than we read: the next round goes on.
PAGES = 50
Page = tuple[Sequence[Wire], str]
Feed = Callable[[str, list[str]], Page]

_WANTED = text(
    "SELECT DISTINCT unnest(CASE WHEN types = '{}' THEN CAST(:all AS text[]) ELSE types END)"
    " FROM webhook_endpoint WHERE state = 'active'"
)
# The root's endpoints hear of everything, as the root sees everything; a disabled operator's, and
# those of everybody below, of nothing.
_DELIVER = text(
    "INSERT INTO webhook_delivery (id, endpoint_id, operator_path, source, event_id, type, subject,"
    " occurred_at) SELECT gen_random_uuid(), e.id, e.operator_path, :source, v.id, v.type,"
    " v.subject, v.time FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS v(id uuid, type text, subject uuid, time timestamptz, operatorpath text)"
    " JOIN webhook_endpoint e ON e.state = 'active' AND v.type = ANY(:all)"
    " AND (e.types = '{}' OR v.type = ANY(e.types)) AND v.time >= e.created_at"
    " AND (e.operator_path NOT LIKE '%/%/' OR starts_with(v.operatorpath, e.operator_path))"
    " WHERE NOT EXISTS (SELECT FROM operator o WHERE o.status <> 'active'"
    "  AND starts_with(e.operator_path, o.operator_path))"
    " ON CONFLICT DO NOTHING"
)


def fan_out(database: Database, settings: Settings, source: str) -> int:
    """Take what is new in one feed; how many deliveries. One process at a time per feed."""
    made, name = 0, f"webhooks:{source}"
    feed = _own(database) if source == settings.service else _foreign(settings, source)
    with database.lock(f"feed:{name}") as mine:
        for _ in range(PAGES if mine else 0):
            with database.transaction() as session:
                after = _cursor(session, name)
                types = sorted(session.scalars(_WANTED, {"all": list(SENT)})) or [NOBODY]
            events, following = feed(after, types)
            with database.transaction() as session:
                made += _deliver(session, source, events)
                _advance(session, name, following)
            if len(events) < FEED_LIMIT:
                break
    return made


def _own(database: Database) -> Feed:
    def page(after: str, types: list[str]) -> Page:
        with database.transaction() as session:
            return outbox.feed(
                session, "customers", after=after, limit=FEED_LIMIT, scope=EVERYTHING, types=types
            )

    return page


def _foreign(settings: Settings, source: str) -> Feed:
    def page(after: str, types: list[str]) -> Page:
        answer = requests.get(
            f"{settings.urls[source]}/v1/events",
            params={"after": after, "limit": str(FEED_LIMIT), "type": ",".join(types)},
            headers=authorization(settings),
            timeout=(2, 20),
        )
        answer.raise_for_status()
        found: Any = answer.json()
        return found["items"], found["next_cursor"]

    return page


def authorization(settings: Settings) -> dict[str, str]:
    token = service_token(settings.service, settings.service_secret)
    return {"Authorization": f"Bearer {token}"}


def _deliver(session: Session, source: str, events: Sequence[Wire]) -> int:
    if not events:
        return 0
    names = ("id", "type", "subject", "time", "operatorpath")
    told = [{name: event[name] for name in names} for event in events]
    done = session.execute(
        _DELIVER,
        {"source": source, "events": orjson.dumps(told).decode(), "all": list(SENT)},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _cursor(session: Session, name: str) -> str:
    found = session.scalar(
        text("SELECT cursor FROM feed_cursor WHERE source = :name"), {"name": name}
    )
    return found or "0.0"


def _advance(session: Session, name: str, cursor: str) -> None:
    session.execute(
        text(
            "INSERT INTO feed_cursor (source, cursor) VALUES (:name, :cursor) ON CONFLICT (source)"
            " DO UPDATE SET cursor = excluded.cursor, walked_at = now()"
            " WHERE feed_cursor.cursor <> excluded.cursor"
        ),
        {"name": name, "cursor": cursor},
    )
