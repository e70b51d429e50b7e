"""Payment to internet: when customers whose payment settled their debt were let in again.

Measured by the times that radius-sync gives its own events. Its feed is pulled only while somebody is
awaited: nothing is pushed to payments for a measurement.
"""

from __future__ import annotations

from typing import Any

import orjson
import requests
from sqlalchemy import text

from payments.settings import PaymentsSettings
from shared.database import Database
from shared.logs import logger
from shared.tokens import service_token

log = logger("going_online")
SOURCE = "radius-sync/access"
# A round of so many takes a few seconds; the next one goes on where it ended.
PAGES, PAGE = 100, 500
# Who is not let in within a day is held by something else.
_AWAITED = text(
    "SELECT EXISTS (SELECT FROM gateway_transaction WHERE lifts AND online_at IS NULL"
    " AND credited_at > now() - interval '1 day')"
)
_CURSOR = text("SELECT cursor FROM feed_cursor WHERE source = :source")
_ADVANCE = text(
    "INSERT INTO feed_cursor (source, cursor) VALUES (:source, :cursor)"
    " ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, walked_at = now()"
)
# The first time that access was open after the money was in the books; two machines' clocks may
# differ a little.
_ONLINE = text(
    "UPDATE gateway_transaction t SET online_at = greatest(e.at, t.credited_at) FROM ("
    " SELECT e.subject, min(e.time) AS at FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS e(subject uuid, time timestamptz, data jsonb) JOIN gateway_transaction w"
    " ON w.customer_id = e.subject AND w.lifts AND w.online_at IS NULL"
    " AND e.time > w.credited_at - interval '5 seconds'"
    " WHERE e.data->>'access' IN ('open', 'limited') GROUP BY 1) e"
    " WHERE t.customer_id = e.subject AND t.lifts AND t.online_at IS NULL"
    " AND e.at > t.credited_at - interval '5 seconds'"
)


def note(database: Database, settings: PaymentsSettings) -> int:
    """Read what radius-sync told of access since the last look; how many events."""
    with database.lock(SOURCE) as mine:
        return _walk(database, settings) if mine else 0


def _walk(database: Database, settings: PaymentsSettings) -> int:
    seen = 0
    with database.transaction() as session:
        awaited = bool(session.scalar(_AWAITED))
        after = session.scalar(_CURSOR, {"source": SOURCE}) or "0.0"
    for _ in range(PAGES if awaited else 0):
        try:
            page = _page(settings, after)
        except requests.RequestException as error:
            log.info("going_online.waits", error=type(error).__name__)
            break
        with database.transaction() as session:
            if page["items"]:
                session.execute(_ONLINE, {"events": orjson.dumps(page["items"]).decode()})
            session.execute(_ADVANCE, {"source": SOURCE, "cursor": page["next_cursor"]})
        seen += len(page["items"])
        after = page["next_cursor"]
        if len(page["items"]) < PAGE:
            break
    return seen


def _page(settings: PaymentsSettings, after: str) -> dict[str, Any]:
    answer = requests.get(
        f"{settings.urls['radius-sync']}/v1/events",
        params={"after": after, "limit": str(PAGE), "type": "access.changed"},
        headers={
            "Authorization": f"Bearer {service_token(settings.service, settings.service_secret)}"
        },
        timeout=(2, 20),
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
