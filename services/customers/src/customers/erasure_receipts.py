"""The receipts of an erasure: each kept once; a subject that has all of them is erased."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.persistence import customers
from shared.events import CustomerErased, CustomerErasing, ErasureReceipt
from shared.outbox import telling

# Who holds data of a customer: each answers every CustomerErasing with a receipt.
SERVICES = tuple(sorted(CustomerErasing.heard_by))
OWN = "customers"
_TELL = telling(
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, data)"
    " SELECT gen_random_uuid(), :type, id, version, operator_path, :actor, CAST(:data AS jsonb)"
    " FROM customer WHERE id = ANY(:ids)"
)
_KEEP = text(
    "INSERT INTO erasure_receipt (erasure_id, customer_id, service, rows, digest)"
    " SELECT r.* FROM unnest(CAST(:erasures AS uuid[]), CAST(:ids AS uuid[]),"
    " CAST(:services AS text[]), CAST(:rows AS jsonb[]), CAST(:digests AS text[]))"
    " AS r(erasure_id, customer_id, service, rows, digest)"
    " JOIN erasure_subject s ON s.erasure_id = r.erasure_id AND s.customer_id = r.customer_id"
    " AND s.state IN ('erasing', 'done')"
    " ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"
)
_COMPLETE = text(
    "UPDATE erasure_subject s SET state = 'done', finished_at = now()"
    " WHERE s.customer_id = ANY(:ids) AND s.state = 'erasing' AND NOT EXISTS ("
    "  SELECT FROM unnest(CAST(:services AS text[])) AS wanted(service)"
    "  WHERE NOT EXISTS (SELECT FROM erasure_receipt r WHERE r.erasure_id = s.erasure_id"
    "   AND r.customer_id = s.customer_id AND r.service = wanted.service))"
    " RETURNING s.customer_id, s.erasure_id"
)
_LAST = text("UPDATE customer SET version = version + 1 WHERE id = ANY(:ids) AND state = 'erasing'")
_COUNT_DONE = text("UPDATE erasure SET done = done + :n WHERE id = :erasure")


def keep(session: Session, receipts: Iterable[ErasureReceipt]) -> None:
    """Keep receipts, each once, and complete the subjects that have all of them."""
    kept = list(receipts)
    ids = sorted({receipt.subject for receipt in kept})
    # Two services' receipts of the same subjects may arrive at once: in turn, so that the later one
    # sees the earlier one's and completes.
    customers.lock_rows(session, ids)
    session.execute(
        _KEEP,
        {
            "erasures": [receipt.erasure_id for receipt in kept],
            "ids": [receipt.subject for receipt in kept],
            "services": [receipt.service for receipt in kept],
            "rows": [orjson.dumps(receipt.rows).decode() for receipt in kept],
            "digests": [receipt.digest for receipt in kept],
        },
    )
    done: dict[UUID, list[UUID]] = defaultdict(list)
    for row in session.execute(_COMPLETE, {"ids": ids, "services": list(SERVICES)}):
        done[row.erasure_id].append(row.customer_id)
    for erasure, gone in sorted(done.items()):
        session.execute(_LAST, {"ids": gone})
        tell(session, CustomerErased.type, gone, "system", {"erasure_id": str(erasure)})
        session.execute(_COUNT_DONE, {"n": len(gone), "erasure": erasure})


def tell(
    session: Session, kind: str, ids: Sequence[UUID], actor: str, data: dict[str, Any]
) -> None:
    """One event for each of `ids`, with the version that the customer has now."""
    told = orjson.dumps(data).decode()
    session.execute(_TELL, {"type": kind, "ids": ids, "actor": actor, "data": told})
