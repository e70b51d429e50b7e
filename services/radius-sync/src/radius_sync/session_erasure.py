"""Retention by data class: the sessions of a deleted customer go before the person does (A41).

What goes is what the network keeps of the time before the claim in customers: accounting, the archive,
answers to logins, usage by day, orders to end sessions. The login and the facts stay until the person is
erased. A session that began later, because the customer was restored, is never touched, however late
the event is heard; hearing it twice removes nothing more and gives one receipt.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import usage
from radius_sync.persistence import owned
from shared.batches import as_json
from shared.events import CustomerSessionsErased, Wire
from shared.outbox import publish

_TAKE = text(
    "INSERT INTO session_erasure_pending (removal_id, customer_id, operator_path, mode, before)"
    " SELECT d.removal_id, CAST(e->>'subject' AS uuid), e->>'operatorpath', d.mode, d.before"
    " FROM jsonb_array_elements(CAST(:events AS jsonb)) e,"
    " jsonb_to_record(e->'data') AS d(removal_id uuid, mode text, before timestamptz)"
    # The receipt is there already: the event came twice.
    f" WHERE NOT EXISTS (SELECT FROM outbox WHERE type = '{CustomerSessionsErased.type}'"
    "  AND subject = CAST(e->>'subject' AS uuid)"
    "  AND data->>'removal_id' = e->'data'->>'removal_id')"
    " ORDER BY 1 ON CONFLICT DO NOTHING"
)


def take(session: Session, events: Sequence[Wire]) -> None:
    """Note what is to be removed; the worker's timer does it, once no such session is open any more."""
    session.execute(_TAKE, {"events": as_json(events)})


_FINISHABLE = text(
    "SELECT p.* FROM session_erasure_pending p WHERE NOT EXISTS (SELECT FROM login_owner o"
    "  JOIN radacct a ON a.username = o.username AND a.acctstoptime IS NULL"
    f"  AND a.acctstarttime < p.before AND {owned('a', 'a.acctstarttime')}"
    "  WHERE o.customer_id = p.customer_id)"
    " ORDER BY p.customer_id, p.removal_id LIMIT 500 FOR UPDATE OF p SKIP LOCKED"
)
_SESSIONS = text(
    "SELECT c.removal_id, e.sessions, e.logins FROM session_erasure_pending c,"
    " LATERAL erase_sessions(c.customer_id, CASE c.mode WHEN 'everything' THEN NULL ELSE"
    " 'erased-' || md5(c.removal_id::text || c.customer_id::text) END, c.before) e"
    " WHERE c.removal_id = ANY(:ids)"
)
# Each counts what it removed, per removal.
_CHOSEN = (
    "WITH chosen AS (SELECT * FROM session_erasure_pending WHERE removal_id = ANY(:ids)),"
    " gone AS ({}) SELECT removal_id, count(*) AS number FROM gone GROUP BY removal_id"
)
_ENDED = (
    "o.customer_id = c.customer_id AND o.created_at < c.before"
    " AND o.state IN ('done', 'gone', 'cancelled', 'failed') RETURNING c.removal_id"
)
_REMOVALS = {
    # The day of the claim holds new usage too, when the customer was restored on that day.
    "usage_day": "DELETE FROM usage_day x USING chosen c LEFT JOIN subscriber s"
    " ON s.customer_id = c.customer_id WHERE x.customer_id = c.customer_id"
    " AND (x.day < CAST(c.before AT TIME ZONE :zone AS date) OR s.standing = 'deleted')"
    " RETURNING c.removal_id",
    "disconnect_attempt": "DELETE FROM disconnect_attempt a USING disconnect_order o, chosen c"
    f" WHERE a.order_id = o.id AND {_ENDED}",
    "disconnect_order": f"DELETE FROM disconnect_order o USING chosen c WHERE {_ENDED}",
}


def finish(session: Session, zone: str) -> int:
    """Remove what can be removed, and give the receipts; how many. Call until 0. `zone` is the IANA
    name that says when a day of usage ends."""
    ready = session.execute(_FINISHABLE).all()
    if not ready:
        return 0
    # A count under way would add what is removed here.
    usage.alone(session)
    ids = [row.removal_id for row in ready]
    counts: dict[UUID, dict[str, int]] = defaultdict(dict)
    for row in session.execute(_SESSIONS, {"ids": ids}):
        counts[row.removal_id] = {"radacct": row.sessions, "radpostauth": row.logins}
    for table, statement in _REMOVALS.items():
        params = {"ids": ids} | ({"zone": zone} if ":zone" in statement else {})
        for row in session.execute(text(_CHOSEN.format(statement)), params):
            counts[row.removal_id][table] = row.number
    publish(session, *(_receipt(row, counts[row.removal_id]) for row in ready))
    session.execute(
        text("DELETE FROM session_erasure_pending WHERE removal_id = ANY(:ids)"), {"ids": ids}
    )
    return len(ready)


def _receipt(pending: Any, rows: dict[str, int]) -> CustomerSessionsErased:
    told = "|".join([str(pending.removal_id), str(pending.customer_id), pending.before.isoformat(),
                     *(f"{table}={number}" for table, number in sorted(rows.items()))])  # fmt: skip
    return CustomerSessionsErased(
        subject=pending.customer_id,
        sequence=1,
        operator_path=pending.operator_path,
        removal_id=pending.removal_id,
        mode=pending.mode,
        before=pending.before,
        rows=rows,
        digest=hashlib.sha256(told.encode()).hexdigest(),
    )
