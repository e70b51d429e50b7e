"""Erasure (A32 to A37): the customer's facts, logins, sessions and traces go, then the receipt.

The receipt waits while a session is still open or a RADIUS server has not let go of the login:
a certificate that says "gone everywhere" must be true. What stays is the customer's id with the
highest version there is, so that no late event brings anything back.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import provisioning
from radius_sync.leftovers import remember_logins
from radius_sync.persistence import owned
from radius_sync.settings import Settings
from shared.arrays import array
from shared.batches import as_json
from shared.events import ErasureReceipt, Wire
from shared.outbox import publish
from shared.tombstones import Erasing, as_event

_CLAIM = text(
    "INSERT INTO erasure_pending (erasure_id, customer_id, operator_path, mode, usernames)"
    " SELECT CAST(e->'data'->>'erasure_id' AS uuid), CAST(e->>'subject' AS uuid),"
    " e->>'operatorpath', e->'data'->>'mode', ARRAY(SELECT username FROM login_owner o"
    "  WHERE o.customer_id = CAST(e->>'subject' AS uuid) UNION SELECT username FROM subscriber s"
    "  WHERE s.customer_id = CAST(e->>'subject' AS uuid) AND s.username IS NOT NULL)"
    " FROM jsonb_array_elements(CAST(:events AS jsonb)) e"
    # The receipt is there already: the event came twice.
    " WHERE NOT EXISTS (SELECT FROM outbox WHERE type = 'erasure.receipt'"
    "  AND subject = CAST(e->>'subject' AS uuid)"
    "  AND data->>'erasure_id' = e->'data'->>'erasure_id')"
    " ORDER BY 2 ON CONFLICT DO NOTHING RETURNING customer_id"
)
_TOMBSTONE = text(
    "INSERT INTO subscriber AS s (customer_id, version, account_version, operator_path, standing)"
    " SELECT customer_id, :last, :last, operator_path, 'erasing' FROM erasure_pending"
    " WHERE customer_id = ANY(:ids) ORDER BY customer_id"
    " ON CONFLICT (customer_id) DO UPDATE SET version = :last, account_version = :last,"
    " username = NULL, password_sealed = NULL, standing = 'erasing', service_type = 'other',"
    " package_id = NULL, activated = false, expires_at = NULL, holds = '{}',"
    " lift_suspension_until = NULL, credit_limit = NULL, static_address = NULL, overdue = false,"
    " outstanding = NULL, available_funds = NULL, recheck_at = NULL"
)
LAST_VERSION = 2**63 - 1
UNCLAIMED = (
    "SELECT i.id FROM unnest(CAST(%(ids)s AS uuid[])) AS i(id) LEFT JOIN subscriber s"
    " ON s.customer_id = i.id WHERE s.standing IS DISTINCT FROM 'erasing'"
)


def of_the_file(settings: Settings) -> Erasing:
    """What this service does with the tombstones of the file: before FreeRADIUS runs over a restored
    database, whoever was erased has no access in it (F36)."""
    return Erasing(
        unclaimed=UNCLAIMED,
        claim=lambda session, found: erase(
            session, [as_event(one) for one in found], settings.secret_key
        ),
    )


def erase(session: Session, events: Sequence[Wire], secret: bytes) -> None:
    """Take the customers offline and out of the facts, and finish those that can be finished now."""
    newly = list(session.scalars(_CLAIM, {"events": as_json(events)}))
    if newly:
        remember_logins(session, array(newly), secret)
        session.execute(_TOMBSTONE, {"ids": newly, "last": LAST_VERSION})
        provisioning.provision(session, array(newly))
        finish(session)


# No session of the customer's own is open, and no target still has to copy the login's change.
_FINISHABLE = text(
    "SELECT p.* FROM erasure_pending p WHERE NOT EXISTS (SELECT FROM login_owner o JOIN radacct a"
    "  ON a.username = o.username AND a.acctstoptime IS NULL"
    f"  AND {owned('a', 'a.acctstarttime')} WHERE o.customer_id = p.customer_id)"
    " AND NOT EXISTS (SELECT FROM login l, target t WHERE l.username = ANY(p.usernames)"
    "  AND NOT t.embedded AND (l.xid, l.username) > (t.applied_xid, t.applied_username))"
    " ORDER BY p.customer_id LIMIT 500 FOR UPDATE OF p SKIP LOCKED"
)
# Each counts what it removed, per customer. `chosen` yields erasure_id, customer_id, mode, usernames.
_CHOSEN = (
    "WITH chosen AS (SELECT * FROM erasure_pending WHERE customer_id = ANY(:ids)), gone AS ({})"
    " SELECT customer_id, count(*) AS number FROM gone GROUP BY customer_id"
)
_ATTEMPTS = (
    "DELETE FROM disconnect_attempt a USING disconnect_order o, chosen c WHERE a.order_id = o.id"
    " AND (o.customer_id = c.customer_id OR o.customer_id IS NULL AND o.username = ANY(c.usernames))"
    " RETURNING c.customer_id"
)
_ORDERS = (
    "DELETE FROM disconnect_order o USING chosen c WHERE o.customer_id = c.customer_id"
    " OR o.customer_id IS NULL AND o.username = ANY(c.usernames) RETURNING c.customer_id"
)
_REMOVALS = {
    "disconnect_attempt": _ATTEMPTS,
    "disconnect_order": _ORDERS,
    # A login that has a new owner keeps its rows: they are that owner's (F32).
    **{
        table: f"DELETE FROM {table} x USING chosen c, login l WHERE x.username = ANY(c.usernames)"
        " AND l.username = x.username AND l.customer_id IS NULL RETURNING c.customer_id"
        for table in ("radcheck", "radreply", "radusergroup")
    },
    "login": "DELETE FROM login x USING chosen c WHERE x.username = ANY(c.usernames)"
    " AND x.customer_id IS NULL RETURNING c.customer_id",
    "login_owner": "DELETE FROM login_owner x USING chosen c WHERE x.customer_id = c.customer_id"
    " RETURNING c.customer_id",
    "usage_day": "DELETE FROM usage_day x USING chosen c WHERE x.customer_id = c.customer_id"
    " RETURNING c.customer_id",
    "drift": "DELETE FROM drift x USING chosen c WHERE x.customer_id = c.customer_id"
    " RETURNING c.customer_id",
    # Who looked at which id stays for its year, unless everything goes.
    "access_log": "DELETE FROM access_log x USING chosen c WHERE x.subject = c.customer_id"
    " AND c.mode = 'everything' RETURNING c.customer_id",
    **{
        table: f"DELETE FROM {table} x USING chosen c WHERE x.subject = c.customer_id"
        " RETURNING c.customer_id"
        for table in ("dead_letter", "operation_detail", "idempotency")
    },
}
_SESSIONS = text(
    "SELECT c.customer_id, e.sessions, e.logins FROM erasure_pending c, LATERAL erase_sessions("
    "c.customer_id, CASE c.mode WHEN 'everything' THEN NULL ELSE"
    " 'erased-' || md5(c.erasure_id::text || c.customer_id::text) END) e"
    " WHERE c.customer_id = ANY(:ids)"
)


def finish(session: Session) -> int:
    """Remove the last traces where nothing is open any more, and give the receipts; how many."""
    ready = session.execute(_FINISHABLE).all()
    if not ready:
        return 0
    ids = [row.customer_id for row in ready]
    counts: dict[UUID, dict[str, int]] = defaultdict(lambda: {"subscriber": 1})
    for row in session.execute(_SESSIONS, {"ids": ids}):
        counts[row.customer_id] |= {"radacct": row.sessions, "radpostauth": row.logins}
    for table, statement in _REMOVALS.items():
        for row in session.execute(text(_CHOSEN.format(statement)), {"ids": ids}):
            counts[row.customer_id][table] = row.number
    publish(session, *(_receipt(row, counts[row.customer_id]) for row in ready))
    session.execute(text("DELETE FROM erasure_pending WHERE customer_id = ANY(:ids)"), {"ids": ids})
    return len(ready)


def _receipt(pending: Any, rows: dict[str, int]) -> ErasureReceipt:
    told = "|".join([str(pending.erasure_id), str(pending.customer_id),
                     *(f"{table}={number}" for table, number in sorted(rows.items()))])  # fmt: skip
    return ErasureReceipt(
        subject=pending.customer_id,
        sequence=1,
        operator_path=pending.operator_path,
        erasure_id=pending.erasure_id,
        service="radius-sync",
        rows=rows,
        digest=hashlib.sha256(told.encode()).hexdigest(),
        mode=pending.mode,
    )
