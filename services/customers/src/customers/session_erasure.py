"""Retention by data class: what the network keeps of the sessions of a deleted customer goes before the
person does (A41), and radius-sync's receipt stays with the customer.

The claim locks the row and decides: a restore comes before it, and nothing goes, or after it, and says
what is gone. `before` is the moment of the claim: what a customer restored later does on the network is
newer and is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Customer
from customers.persistence import customers
from shared.batches import as_json
from shared.events import CustomerSessionsErasing, Wire
from shared.operations import SYSTEM, record_many
from shared.outbox import telling

# The person's own day is not before: then all of it goes at once, with one receipt.
_DUE = (
    "state = 'deleted' AND sessions_erase_after <= now() AND legal_hold IS NULL"
    " AND (erase_after IS NULL OR erase_after > now())"
)
_CLAIM = text(
    "WITH going AS MATERIALIZED (SELECT id, deletion_reason FROM customer WHERE id = ANY(ARRAY("
    f"  SELECT id FROM customer WHERE {_DUE} ORDER BY sessions_erase_after, id LIMIT :most))"
    # Locked in the order of the ids, as everywhere, and looked at again once the lock is held.
    f" AND {_DUE} ORDER BY id FOR UPDATE), claimed AS ("
    " UPDATE customer c SET sessions_erase_after = NULL, sessions_erased_before = now(),"
    " version = version + 1, updated_at = now()"
    " FROM going WHERE c.id = going.id RETURNING c.id, c.deletion_reason)"
    " INSERT INTO session_erasure (id, customer_id, mode, before)"
    " SELECT gen_random_uuid(), c.id, coalesce(p.mode, 'pseudonymise'), now()"
    " FROM claimed c LEFT JOIN retention_policy p ON p.reason = c.deletion_reason RETURNING id"
)
_TELL = telling(
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, data)"
    f" SELECT gen_random_uuid(), '{CustomerSessionsErasing.type}', c.id, c.version,"
    " c.operator_path, :actor,"
    " jsonb_build_object('removal_id', e.id, 'mode', e.mode, 'before', e.before)"
    " FROM session_erasure e JOIN customer c ON c.id = e.customer_id WHERE e.id = ANY(:ids)"
)
_LOGGED = (
    "SELECT c.id AS subject, c.operator_path, CAST(NULL AS jsonb) AS before,"
    " to_jsonb(e) - 'customer_id' AS after, 'end of the retention period of sessions' AS reason"
    " FROM session_erasure e JOIN customer c ON c.id = e.customer_id"
    " WHERE e.id = ANY(:ids) ORDER BY c.id"
)


def claim(session: Session, most: int) -> int:
    """Give up the sessions of those deleted whose days for it are over, the longest due first; how
    many."""
    ids = list(session.scalars(_CLAIM, {"most": most}))
    if ids:
        session.execute(_TELL, {"ids": ids, "actor": SYSTEM.name})
        record_many(session, SYSTEM, "customer.sessions_erasing", "customer", _LOGGED, {"ids": ids})
    return len(ids)


# One that this database does not know proves a claim that a restored backup has forgotten.
_KEEP = text(
    "INSERT INTO session_erasure AS s (id, customer_id, mode, before, rows, digest, erased_at)"
    " SELECT DISTINCT ON (d.removal_id) d.removal_id, c.id, d.mode, d.before, d.rows, d.digest,"
    " now() FROM jsonb_array_elements(CAST(:events AS jsonb)) e,"
    " jsonb_to_record(e->'data') AS d(removal_id uuid, mode text, before timestamptz, rows jsonb,"
    " digest text), customer c WHERE c.id = CAST(e->>'subject' AS uuid) ORDER BY d.removal_id"
    " ON CONFLICT (id) DO UPDATE SET rows = excluded.rows, digest = excluded.digest,"
    " erased_at = excluded.erased_at WHERE s.erased_at IS NULL RETURNING id"
)
_GIVEN_UP = text(
    "UPDATE customer c SET sessions_erased_before = e.before, sessions_erase_after ="
    " CASE WHEN c.deleted_at > e.before THEN c.sessions_erase_after END"
    " FROM (SELECT customer_id, max(before) AS before FROM session_erasure WHERE id = ANY(:ids)"
    "  GROUP BY 1) AS e WHERE c.id = e.customer_id AND c.state <> 'erasing'"
    " AND (c.sessions_erased_before IS NULL OR c.sessions_erased_before < e.before)"
)


def keep(session: Session, events: Sequence[Wire]) -> None:
    """Keep the receipts, each once."""
    customers.lock_rows(session, {UUID(event["subject"]) for event in events})
    ids = list(session.scalars(_KEEP, {"events": as_json(events)}))
    if ids:
        session.execute(_GIVEN_UP, {"ids": ids})
        record_many(session, SYSTEM, "customer.sessions_erased", "customer", _LOGGED, {"ids": ids})


_LAST = text(
    "SELECT id AS removal_id, mode, before, erased_at, rows, digest FROM session_erasure"
    " WHERE customer_id = :id ORDER BY before DESC LIMIT 1"
)


def proof(session: Session, customer_id: UUID) -> dict[str, Any] | None:
    """The last removal; `erased_at`, `rows` and `digest` are None until radius-sync's receipt came."""
    row = session.execute(_LAST, {"id": customer_id}).one_or_none()
    return None if row is None else dict(row._mapping)


def unanswered(session: Session) -> int:
    """Claims of more than a day ago without a receipt: something keeps radius-sync from it."""
    return int(
        session.scalar(
            text(
                "SELECT count(*) FROM session_erasure WHERE erased_at IS NULL"
                " AND before < now() - interval '1 day'"
            )
        )
        or 0
    )


def note(customer: Customer) -> list[str]:
    """What a plan to restore says of it."""
    before = customer.sessions_erased_before
    return [] if before is None else [
        f"sessions: those before {before.isoformat()} are erased by the retention policy"
        " and do not come back (A41)"
    ]  # fmt: skip
