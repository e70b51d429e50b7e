"""A backup from before an erasure was restored (F36): whoever was erased is erased again (I10).

Two things outlive a restored database. The file of tombstones (`shared.tombstones`) names everybody
whose erasure was done, and `migrate` reads it before anything serves. The other services' receipts are
still in their feeds where this database alone is old, and the walk of the feeds brings those of an
erasure that it knows nothing of. Either proves that the customer is gone elsewhere: such a one is taken
over the point of no return at once, hidden from every list, and the saga goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import tombstones
from customers.erasure_receipts import tell
from shared.events import CustomerErasing, ErasureReceipt
from shared.logs import logger
from shared.operations import SYSTEM, record_many
from shared.tombstone_file import Tombstone

log = logger("replaying")

_KNOWN = text("SELECT id FROM erasure WHERE id = ANY(:ids)")
# Also while something of them is still here: an old event in the feed, say.
UNCLAIMED = (
    "SELECT c.id FROM customer c WHERE c.id = ANY(CAST(%(ids)s AS uuid[])) AND (c.state <> 'erasing'"
    " OR EXISTS (SELECT FROM erasure_subject s WHERE s.customer_id = c.id AND s.state = 'erasing'"
    "  AND NOT s.removed))"
)
# No import may bring their ids back.
UNKNOWN = (
    "SELECT i.id FROM unnest(CAST(%(ids)s AS uuid[])) AS i(id)"
    " WHERE NOT EXISTS (SELECT FROM customer c WHERE c.id = i.id)"
)
# What the backup does not know as begun is proved for some; the others have to be asked for again.
_NOT_PROVED = text(
    "UPDATE erasure_subject s SET state = 'refused', finished_at = now(),"
    " detail = 'not erased when the backup was restored: ask again' FROM erasure e"
    " WHERE e.id = :erasure AND s.erasure_id = e.id AND s.state = 'waiting'"
    " AND e.state IN ('awaiting_approval', 'cooling')"
)
_ERASURE = text(
    "INSERT INTO erasure AS e (id, state, mode, legal_basis, operator_path, source, requested_by,"
    " total) VALUES (:erasure, 'running', :mode, 'erased before this database was restored',"
    " :path, 'replay', 'system', 0) ON CONFLICT (id) DO UPDATE SET state = 'running',"
    " source = 'replay', finished_at = NULL"
    " WHERE e.state IN ('awaiting_approval', 'cooling', 'cancelled', 'refused')"
)
# Whatever it is in the backup: alive, deleted, held. What is gone elsewhere cannot be kept here.
_CLAIM = text(
    "WITH back AS MATERIALIZED (SELECT id FROM customer WHERE id = ANY(:ids)"
    " AND state <> 'erasing' ORDER BY id FOR UPDATE)"
    " UPDATE customer c SET state = 'erasing', deleted_at = coalesce(deleted_at, now()),"
    " version = version + 1, updated_at = now() FROM back WHERE c.id = back.id RETURNING c.id"
)
_SUBJECTS = text(
    "INSERT INTO erasure_subject AS s (erasure_id, customer_id, state)"
    " SELECT :erasure, unnest(CAST(:ids AS uuid[])), 'erasing' ON CONFLICT (erasure_id, customer_id)"
    " DO UPDATE SET state = 'erasing', finished_at = NULL, detail = NULL"
    " WHERE s.state IN ('waiting', 'refused')"
)
_TOTAL = text(
    "UPDATE erasure SET (total, refused) = (SELECT count(*), count(*) FILTER (WHERE state = 'refused')"
    " FROM erasure_subject WHERE erasure_id = :erasure) WHERE id = :erasure"
)


def claim(session: Session, found: Sequence[Tombstone], secret: bytes) -> None:
    """Take whom the file names over the point of no return, each in the erasure that it was."""
    by_erasure: dict[UUID, list[Tombstone]] = defaultdict(list)
    for one in found:
        by_erasure[one.erasure_id].append(one)
    for erasure, those in sorted(by_erasure.items()):
        ids = [one.customer_id for one in those]
        tombstones.bury(session, erasure, ids, secret)
        _begin(session, erasure, ids, those[0].operator_path, those[0].mode)


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
    return sum(
        _begin(session, one, [receipt.subject for receipt in told[one]],
               told[one][0].operator_path, told[one][0].mode)
        for one in sorted(unknown | set(again))
    )  # fmt: skip


def _begin(
    session: Session, erasure_id: UUID, subjects: Sequence[UUID], path: str, mode: str
) -> int:
    back = sorted(session.scalars(_CLAIM, {"ids": sorted(set(subjects))}))
    if not back:
        return 0
    wanted = {"erasure": erasure_id, "ids": back, "path": path, "mode": mode}
    for statement in (_NOT_PROVED, _ERASURE, _SUBJECTS, _TOTAL):
        session.execute(statement, wanted)
    data = {"erasure_id": str(erasure_id), "mode": mode}
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
