"""Erasures: the frozen list, the verdicts, the receipts, and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, literal, select, table, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, column

from customers.domain import Missing
from customers.persistence import tables
from shared.database import Scope

c = tables.customer.c
FIELDS = (
    "id state mode legal_basis operator_path source requested_by requested_by_id requested_at"
    " approved_by approved_at cancelled_by runs_at total done refused exports_removed leftovers"
    " accepted finished_at"
)
erasure = table("erasure", *(column(name) for name in FIELDS.split()))
subject = table(
    "erasure_subject",
    *(
        column(name)
        for name in (
            "erasure_id", "customer_id", "state", "detail", "finished_at", "billing_asked_at",
            "billing_erased_at", "billing_rows", "billing_digest",
        )
    ),
)  # fmt: skip
# Above this the rows per table are added up by the certificate alone: a page asks every second.
SUMMED = 1000


def read(session: Session, scope: Scope, erasure_id: UUID, *, lock: bool = False) -> Any:
    """Raises Missing."""
    query = select(erasure).where(erasure.c.id == erasure_id, scope.covers(erasure.c.operator_path))
    found = session.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise Missing("erasure")
    return found


def listed(scope: Scope, state: str | None) -> Select[Any]:
    query = select(erasure).where(scope.covers(erasure.c.operator_path))
    return query if state is None else query.where(erasure.c.state == state)


def subjects(erasure_id: UUID, state: str | None) -> Select[Any]:
    query = select(subject).where(subject.c.erasure_id == erasure_id)
    return query if state is None else query.where(subject.c.state == state)


def add(session: Session, values: dict[str, Any]) -> None:
    session.execute(
        text(
            "INSERT INTO erasure (id, state, mode, legal_basis, operator_path, source,"
            " requested_by, requested_by_id, runs_at, total) VALUES (:id, :state, :mode,"
            " :legal_basis, :path, :source, :by, :by_id,"
            " now() + :cooling * interval '1 hour', 0)"
        ),
        values,
    )


def freeze(session: Session, erasure_id: UUID, chosen: Sequence[ColumnElement[bool]]) -> int:
    """Write down who is meant, now and for good; how many."""
    session.execute(
        insert(subject).from_select(
            ["erasure_id", "customer_id"], select(literal(erasure_id), c.id).where(*chosen)
        )
    )
    return int(
        session.scalar(
            text(
                "UPDATE erasure SET total = (SELECT count(*) FROM erasure_subject"
                " WHERE erasure_id = :id) WHERE id = :id RETURNING total"
            ),
            {"id": erasure_id},
        )
        or 0
    )


def receipts(session: Session, found: Any) -> dict[str, Any]:
    """Per service: how many subjects answered, and how many rows of each table went."""
    per_service = {
        row.service: {"subjects": row.subjects}
        for row in session.execute(
            text(
                "SELECT service, count(*) AS subjects FROM erasure_receipt"
                " WHERE erasure_id = :id GROUP BY service ORDER BY service"
            ),
            {"id": found.id},
        )
    }
    if found.total <= SUMMED:
        for service, rows in sums(session, found.id).items():
            per_service[service]["rows"] = rows
    return per_service


def sums(session: Session, erasure_id: UUID) -> dict[str, dict[str, int]]:
    added: dict[str, dict[str, int]] = {}
    for row in session.execute(
        text(
            "SELECT r.service, t.key AS name, sum(CAST(t.value AS bigint))::bigint AS rows"
            " FROM erasure_receipt r, jsonb_each_text(r.rows) t WHERE r.erasure_id = :id"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        {"id": erasure_id},
    ):
        added.setdefault(row.service, {})[row.name] = row.rows
    return added
