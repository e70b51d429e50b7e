"""The saga of an erasure: claim, remove here, hear the receipts, certify. Resumable at any line.

All that is to do is in rows: a subject is `waiting`, `erasing` (claimed: the point of no return), or
has its verdict, `done` or `refused`. `advance` does what is due, 500 subjects per transaction, and is
called by a timer and by every batch of events; one worker at a time holds its lock. A crash leaves
rows as they were, and the next call goes on.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, get_args
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import data_exports, leftovers, tombstones
from customers.erasure_catalogue import JOBS, PLACES, Mode
from customers.erasure_receipts import OWN, keep, tell
from shared import exporting
from shared.database import Database
from shared.events import CustomerErasing, ErasureReceipt
from shared.exporting import Resource
from shared.operations import Actor, record_many
from shared.outbox import publish
from shared.settings import Settings

CHUNK = 500
MODES: tuple[Mode, ...] = get_args(Mode)


def advance(database: Database, settings: Settings, resources: Sequence[Resource]) -> int:
    """Do everything that is due except certificates; the number of subjects moved."""
    moved = 0
    with database.lock("erasures") as mine:
        if not mine:
            return 0
        with database.transaction() as session:
            begin(session)
        while True:
            with database.transaction() as session:
                step = claim(session) or remove_own(session, settings, resources)
            if step == 0:
                return moved
            moved += step


def begin(session: Session) -> None:
    """What was approved and has cooled runs."""
    session.execute(
        text("UPDATE erasure SET state = 'running' WHERE state = 'cooling' AND runs_at <= now()")
    )


# ---------------------------------------------------------------- the claim
_NEXT = (
    "SELECT e.id, e.mode, e.requested_by, e.requested_by_id,"
    " ARRAY(SELECT customer_id FROM erasure_subject s WHERE s.erasure_id = e.id"
    "  AND {0} ORDER BY customer_id LIMIT :most) AS ids"
    " FROM erasure e WHERE e.state = 'running' AND EXISTS (SELECT FROM erasure_subject s"
    "  WHERE s.erasure_id = e.id AND {0}) ORDER BY e.requested_at, e.id LIMIT 1"
)
_WAITING = text(_NEXT.format("s.state = 'waiting'"))
_CLAIMED = text(_NEXT.format("s.state = 'erasing' AND NOT s.removed"))
# One statement decides every race: against a restore, an edit, a legal hold (F34, F44). The rows are
# locked in the order of their ids, as everywhere, and looked at again once the lock is held.
_CLAIM = text(
    "WITH going AS MATERIALIZED (SELECT id FROM customer WHERE id = ANY(:ids) AND state = 'deleted'"
    " AND legal_hold IS NULL"
    " AND (:mode = 'pseudonymise' OR erase_after IS NULL OR erase_after <= now())"
    " ORDER BY id FOR UPDATE)"
    " UPDATE customer c SET state = 'erasing', version = version + 1, updated_at = now()"
    " FROM going WHERE c.id = going.id RETURNING c.id, c.version, c.operator_path"
)
_CLAIMED_NOW = text(
    "UPDATE erasure_subject SET state = 'erasing'"
    " WHERE erasure_id = :erasure AND customer_id = ANY(:claimed)"
)
_REFUSED_NOW = text(
    "UPDATE erasure_subject s SET state = 'refused', finished_at = now(), detail = CASE"
    " WHEN c.id IS NULL THEN 'there is no such customer'"
    " WHEN c.state = 'alive' THEN 'not deleted any more'"
    " WHEN c.state = 'erasing' THEN 'another erasure was first'"
    " WHEN c.legal_hold IS NOT NULL THEN 'a legal hold stands'"
    " ELSE 'the retention period stands' END"
    " FROM unnest(CAST(:ids AS uuid[])) AS i(id) LEFT JOIN customer c ON c.id = i.id"
    " WHERE s.erasure_id = :erasure AND s.customer_id = i.id AND s.state = 'waiting'"
)
_COUNT_REFUSED = text(
    "UPDATE erasure SET refused = (SELECT count(*) FROM erasure_subject"
    " WHERE erasure_id = :erasure AND state = 'refused') WHERE id = :erasure"
)


def claim(session: Session) -> int:
    """Take the next waiting subjects over the point of no return, or refuse them; how many."""
    found = session.execute(_WAITING, {"most": CHUNK}).one_or_none()
    if found is None:
        return 0
    taken = {"erasure": found.id, "ids": found.ids, "mode": found.mode}
    claimed = [row.id for row in session.execute(_CLAIM, taken)]
    session.execute(_CLAIMED_NOW, {**taken, "claimed": claimed})
    if len(claimed) < len(found.ids):
        session.execute(_REFUSED_NOW, taken)
        session.execute(_COUNT_REFUSED, taken)
    if claimed:
        data = {"erasure_id": str(found.id), "mode": found.mode}
        tell(session, CustomerErasing.type, claimed, found.requested_by, data)
        _log(session, Actor(name=found.requested_by, id=found.requested_by_id), claimed, data)
    return len(found.ids)


def _log(session: Session, actor: Actor, ids: Sequence[UUID], data: dict[str, Any]) -> None:
    record_many(
        session, actor, "customer.erasing", "customer",
        "SELECT id AS subject, operator_path, CAST(NULL AS jsonb) AS before,"
        " CAST(:after AS jsonb) AS after, CAST(NULL AS text) AS reason FROM customer"
        " WHERE id = ANY(:ids) ORDER BY id",
        {"ids": list(ids), "after": orjson.dumps(data).decode()},
    )  # fmt: skip


# ---------------------------------------------------------------- what this service holds
_REMOVED = text(
    "UPDATE erasure_subject SET removed = true"
    " WHERE erasure_id = :erasure AND customer_id = ANY(:ids)"
)


def remove_own(session: Session, settings: Settings, resources: Sequence[Resource]) -> int:
    """Remove what the catalogue names of the next claimed subjects, with receipts, in this transaction."""
    found = session.execute(_CLAIMED, {"most": CHUNK}).one_or_none()
    if found is None:
        return 0
    ids: list[UUID] = found.ids
    taken: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    leftovers.remember(session, found.id, ids, settings.secret_key)
    # As one text: a list parameter is adapted id by id, for each of twenty statements.
    listed = f"{{{','.join(map(str, ids))}}}"
    # Before the rows that say whose jobs they were.
    session.execute(text(JOBS), {"ids": listed, "texts": listed})
    for place in PLACES:
        statement = place.statement(found.mode)
        if statement is not None:
            for row in session.execute(text(statement), {"ids": listed}):
                taken[row.subject].append((place.table, row.key))
    tombstones.bury(session, found.id, ids, settings.secret_key)
    paths = _paths(session, ids)
    _forget_files(session, settings, resources, found.id, paths)
    receipts = [_receipt(one, paths[one], found, taken[one], settings.secret_key) for one in ids]
    session.execute(_REMOVED, {"erasure": found.id, "ids": ids})
    publish(session, *receipts)
    keep(session, receipts)
    return len(ids)


def _forget_files(
    session: Session, settings: Settings, resources: Sequence[Resource], erasure_id: UUID,
    paths: Mapping[UUID, str],
) -> None:  # fmt: skip
    branches = sorted(set(paths.values()))
    gone = exporting.forget(session, settings, resources, branches=branches)
    gone += data_exports.forget(session, settings, list(paths))
    if gone:
        session.execute(
            text("UPDATE erasure SET exports_removed = exports_removed + :n WHERE id = :id"),
            {"n": gone, "id": erasure_id},
        )


def _paths(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = session.execute(
        text("SELECT id, operator_path FROM customer WHERE id = ANY(:ids)"), {"ids": ids}
    )
    return {row.id: row.operator_path for row in rows}


def _receipt(
    customer_id: UUID, path: str, erasure: Any, taken: list[tuple[str, str]], secret: bytes
) -> ErasureReceipt:
    """The digest commits to the very rows; keyed, so that it tells nobody which they were."""
    key = hmac.digest(secret, b"erasure receipt", "sha256")
    rows = "\n".join(f"{table} {row}" for table, row in sorted(taken))
    return ErasureReceipt(
        subject=customer_id,
        sequence=1,
        operator_path=path,
        erasure_id=erasure.id,
        service=OWN,
        rows=dict(sorted(Counter(table for table, _ in taken).items())),
        digest=hmac.new(key, rows.encode(), hashlib.sha256).hexdigest(),
        mode=erasure.mode,
    )
