"""A backup from before an erasure was restored (F36): whoever was erased is erased again (I10).

The other services' receipts are still in their feeds, and the restored database has an old cursor:
so the walk of the feeds brings receipts of an erasure that this database knows nothing of. A receipt
is given only for what is gone elsewhere; so such a customer is taken over the point of no return at
once, hidden from every list, and the saga goes on from there. Backups of all services restored to
one moment know nothing of the erasure anywhere: then it has to be asked for again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.erasure_receipts import tell
from shared.events import CustomerErasing, ErasureReceipt
from shared.logs import logger
from shared.operations import SYSTEM, record_many

log = logger("replaying")

_KNOWN = text("SELECT id FROM erasure WHERE id = ANY(:ids)")
_ERASURE = text(
    "INSERT INTO erasure (id, state, mode, legal_basis, operator_path, source, requested_by, total)"
    " VALUES (:erasure, 'running', 'pseudonymise', 'erased before this database was restored',"
    " :path, 'replay', 'system', 0) ON CONFLICT DO NOTHING"
)
# Whatever it is in the backup: alive, deleted, held. What is gone elsewhere cannot be kept here.
_CLAIM = text(
    "WITH back AS MATERIALIZED (SELECT id FROM customer WHERE id = ANY(:ids)"
    " AND state <> 'erasing' ORDER BY id FOR UPDATE)"
    " UPDATE customer c SET state = 'erasing', deleted_at = coalesce(deleted_at, now()),"
    " version = version + 1, updated_at = now() FROM back WHERE c.id = back.id RETURNING c.id"
)
_SUBJECTS = text(
    "INSERT INTO erasure_subject (erasure_id, customer_id, state)"
    " SELECT :erasure, unnest(CAST(:ids AS uuid[])), 'erasing' ON CONFLICT DO NOTHING"
)
_TOTAL = text(
    "UPDATE erasure SET total = (SELECT count(*) FROM erasure_subject WHERE erasure_id = :erasure)"
    " WHERE id = :erasure"
)


def replay(session: Session, receipts: Sequence[ErasureReceipt]) -> int:
    """Begin again what the receipts prove and this database does not know; how many customers."""
    told: dict[UUID, list[ErasureReceipt]] = defaultdict(list)
    for receipt in receipts:
        told[receipt.erasure_id].append(receipt)
    unknown = set(told) - set(session.scalars(_KNOWN, {"ids": list(told)}))
    # An erasure that a replay began takes its later receipts' subjects too.
    again = session.scalars(
        text("SELECT id FROM erasure WHERE id = ANY(:ids) AND source = 'replay'"),
        {"ids": list(told)},
    )
    return sum(_begin(session, one, told[one]) for one in sorted(unknown | set(again)))


def _begin(session: Session, erasure_id: UUID, receipts: Sequence[ErasureReceipt]) -> int:
    ids = sorted({receipt.subject for receipt in receipts})
    back = sorted(session.scalars(_CLAIM, {"ids": ids}))
    if not back:
        return 0
    wanted = {"erasure": erasure_id, "ids": back, "path": receipts[0].operator_path}
    session.execute(_ERASURE, wanted)
    session.execute(_SUBJECTS, wanted)
    session.execute(_TOTAL, wanted)
    data = {"erasure_id": str(erasure_id), "mode": "pseudonymise"}
    tell(session, CustomerErasing.type, back, SYSTEM.name, data)
    record_many(
        session, SYSTEM, "customer.erased_again", "customer",
        "SELECT id AS subject, operator_path, CAST(NULL AS jsonb) AS before,"
        " CAST(NULL AS jsonb) AS after, 'a restored backup had it' AS reason FROM customer"
        " WHERE id = ANY(:ids) ORDER BY id",
        {"ids": back},
    )  # fmt: skip
    log.error("erasure.replayed", erasure_id=str(erasure_id), customers=len(back))
    return len(back)
