"""Retention by data class: the bills and payments of those erased as `pseudonymise` go later than the
person did (A40, A41), and payments' receipt stays with the subject of the erasure.

The policy of the reason for which somebody was deleted counts, as it is on the day: its `billing_days`
after the deletion. Until then the money stays in the books, of nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.erasure_receipts import tell
from shared.batches import as_json
from shared.events import CustomerBillingErasing, Wire
from shared.operations import SYSTEM, record_many

# Those erased whose billing nobody was asked to remove.
LEFT = (
    " FROM erasure_subject s JOIN erasure e ON e.id = s.erasure_id AND e.mode = 'pseudonymise'"
    " JOIN customer c ON c.id = s.customer_id JOIN retention_policy p ON p.reason = c.deletion_reason"
    " WHERE s.state = 'done' AND s.billing_asked_at IS NULL"
)
_CLAIM = text(
    f"WITH due AS MATERIALIZED (SELECT c.id{LEFT}"
    " AND c.deleted_at + p.billing_days * interval '1 day' <= now()"
    " ORDER BY c.deleted_at, c.id LIMIT :most),"
    # Locked in the order of the ids, as everywhere.
    " locked AS MATERIALIZED (SELECT id FROM customer WHERE id IN (SELECT id FROM due)"
    " ORDER BY id FOR UPDATE),"
    # One erasure at most has won a customer.
    " asked AS (UPDATE erasure_subject s SET billing_asked_at = now() FROM locked"
    " WHERE s.customer_id = locked.id AND s.state = 'done' AND s.billing_asked_at IS NULL"
    " RETURNING s.erasure_id, s.customer_id)"
    " UPDATE customer c SET version = version + 1 FROM asked WHERE c.id = asked.customer_id"
    " RETURNING asked.erasure_id, asked.customer_id"
)
_LOGGED = (
    "SELECT c.id AS subject, c.operator_path, CAST(NULL AS jsonb) AS before,"
    " jsonb_strip_nulls(jsonb_build_object('erasure_id', s.erasure_id, 'rows', s.billing_rows,"
    "  'digest', s.billing_digest)) AS after,"
    " 'end of the retention period of billing' AS reason"
    " FROM erasure_subject s JOIN customer c ON c.id = s.customer_id"
    " WHERE s.state = 'done' AND s.customer_id = ANY(:ids) ORDER BY c.id"
)


def claim(session: Session, most: int) -> int:
    """Ask for the removal of the billing of those erased whose days for it are over, the longest
    deleted first; how many."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in session.execute(_CLAIM, {"most": most}):
        found[row.erasure_id].append(row.customer_id)
    for erasure, ids in sorted(found.items()):
        tell(session, CustomerBillingErasing.type, ids, SYSTEM.name, {"erasure_id": str(erasure)})
    claimed = [one for ids in found.values() for one in ids]
    if claimed:
        record_many(
            session, SYSTEM, "customer.billing_erasing", "customer", _LOGGED, {"ids": claimed}
        )
    return len(claimed)


_KEEP = text(
    "WITH told AS (SELECT DISTINCT ON (1, 2) d.erasure_id, CAST(e->>'subject' AS uuid) AS customer_id,"
    " d.rows, d.digest FROM jsonb_array_elements(CAST(:events AS jsonb)) e,"
    " jsonb_to_record(e->'data') AS d(erasure_id uuid, rows jsonb, digest text))"
    " UPDATE erasure_subject s SET billing_erased_at = now(), billing_rows = told.rows,"
    " billing_digest = told.digest, billing_asked_at = coalesce(s.billing_asked_at, now())"
    " FROM told WHERE s.erasure_id = told.erasure_id AND s.customer_id = told.customer_id"
    " AND s.billing_erased_at IS NULL RETURNING s.customer_id"
)


def keep(session: Session, events: Sequence[Wire]) -> None:
    """Keep the receipts, each once."""
    ids = list(session.scalars(_KEEP, {"events": as_json(events)}))
    if ids:
        record_many(session, SYSTEM, "customer.billing_erased", "customer", _LOGGED, {"ids": ids})


def unanswered(session: Session) -> int:
    """Asked for more than a day ago without a receipt: something keeps payments from it."""
    return int(
        session.scalar(
            text(
                "SELECT count(*) FROM erasure_subject WHERE billing_erased_at IS NULL"
                " AND billing_asked_at < now() - interval '1 day'"
            )
        )
        or 0
    )
