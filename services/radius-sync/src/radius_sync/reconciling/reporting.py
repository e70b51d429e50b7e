"""What a reconciliation found, for the API, and what it repaired, for the operations log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.reconciling.comparing import Drift
from shared import operations
from shared.database import Database, uuid7
from shared.operations import Actor

# As many are named; all are counted.
REPORTED = 1000


def begin(database: Database, heal: bool, actor: Actor, job_id: UUID | None) -> UUID:
    identity = UUID(str(uuid7()))
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO reconciliation (id, job_id, heal, actor) VALUES (:id, :job, :heal, :by)"
            ),
            {"id": identity, "job": job_id, "heal": heal, "by": actor.name},
        )
    return identity


def report(
    session: Session,
    identity: UUID,
    target: str,
    drift: Sequence[Drift],
    repaired: Collection[Drift] = (),
) -> None:
    """`repaired` is what of it is repaired now, and named first."""
    if not drift:
        return
    now = set(repaired)
    named = [*repaired, *(one for one in drift if one not in now)][:REPORTED]
    counts = Counter(f"{target}.{one.kind}" for one in drift)
    session.execute(
        text("UPDATE reconciliation SET drift = drift || CAST(:counts AS jsonb) WHERE id = :id"),
        {"id": identity, "counts": orjson.dumps(counts).decode()},
    )
    session.execute(
        text(
            "INSERT INTO drift (reconciliation_id, target, class, username, customer_id, detail,"
            " healed) VALUES (:id, :target, :kind, :username, :customer_id, :detail, :healed)"
        ),
        [{"id": identity, "target": target, "healed": one in now, **vars(one)} for one in named],
    )


def log(session: Session, actor: Actor, target: str, repaired: Sequence[Drift]) -> None:
    """One row in the operations log per repair of a customer; those without an owner together."""
    owned = [one for one in repaired if one.customer_id is not None]
    operations.record_many(
        session, actor, "drift.repaired", "customer",
        "SELECT s.customer_id AS subject, s.operator_path, NULL::jsonb AS before,"
        " jsonb_build_object('target', CAST(:target AS text), 'kind', d.kind, 'detail', d.detail)"
        " AS after, CAST(NULL AS text) AS reason FROM unnest(CAST(:customers AS uuid[]),"
        " CAST(:kinds AS text[]), CAST(:details AS text[])) AS d(customer_id, kind, detail)"
        " JOIN subscriber s ON s.customer_id = d.customer_id",
        {"target": target, "customers": [one.customer_id for one in owned],
         "kinds": [one.kind for one in owned], "details": [one.detail for one in owned]},
    )  # fmt: skip
    if nobodys := len(repaired) - len(owned):
        operations.record(
            session, actor, "drift.repaired", "target", None, operator_path="",
            after={"target": target, "rows_of_no_customer": nobodys}, personal=False,
        )  # fmt: skip


def finish(database: Database, identity: UUID, healed: int) -> dict[str, Any]:
    with database.transaction() as session:
        row = session.execute(
            text(
                "UPDATE reconciliation SET finished_at = clock_timestamp(), healed = :healed,"
                " checked = (SELECT count(*) FROM login) WHERE id = :id RETURNING *"
            ),
            {"id": identity, "healed": healed},
        ).one()
    return {"id": str(identity), "drift": row.drift, "healed": healed, "checked": row.checked}
