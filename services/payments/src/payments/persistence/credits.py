"""Credits: adjustments, credit notes and write-offs."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, text
from sqlalchemy.orm import Session

from payments.persistence.tables import credit, customer_fact
from shared.database import Scope


def add(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(insert(credit), [dict(row)])


def locked(session: Session, credit_id: UUID) -> Any:
    """The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM credit WHERE id = :id FOR UPDATE"), {"id": credit_id}
    ).one()


def customer_of(session: Session, credit_id: UUID) -> UUID | None:
    """None outside the caller's branch."""
    found: UUID | None = session.scalar(
        text("SELECT customer_id FROM credit WHERE id = :id"), {"id": credit_id}
    )
    return found


def noted(session: Session, bill_id: UUID) -> Decimal:
    """What credit notes have taken off a bill."""
    return sum((note.amount - note.reversed for note in notes(session, bill_id)), Decimal(0))


def notes(session: Session, bill_id: UUID) -> list[Any]:
    """The credit notes of a bill that stand."""
    return list(
        session.execute(
            text("SELECT * FROM credit WHERE bill_id = :bill AND reversed < amount ORDER BY id"),
            {"bill": bill_id},
        )
    )


def written_off(session: Session, bill_id: UUID) -> list[Any]:
    """Write-offs that cover a part of a bill: `on_bill`."""
    return list(
        session.execute(
            text(
                "SELECT c.*, a.amount AS on_bill FROM credit_allocation a"
                " JOIN credit c ON c.id = a.credit_id"
                " WHERE a.bill_id = :bill AND c.kind = 'write_off' ORDER BY c.id"
            ),
            {"bill": bill_id},
        )
    )


_APPLY = text(
    "WITH notes AS MATERIALIZED (SELECT id, amount - reversed - allocated AS rest FROM credit"
    " WHERE bill_id = :bill AND amount - reversed - allocated > 0),"
    " kept AS (INSERT INTO credit_allocation (credit_id, bill_id, amount)"
    " SELECT id, :bill, rest FROM notes ON CONFLICT (credit_id, bill_id)"
    " DO UPDATE SET amount = credit_allocation.amount + excluded.amount),"
    " spent AS (UPDATE credit c SET allocated = c.allocated + n.rest, version = c.version + 1"
    " FROM notes n WHERE c.id = n.id),"
    " applied AS (SELECT sum(rest) AS amount FROM notes)"
    " UPDATE bill b SET paid = b.paid + a.amount, version = b.version + 1,"
    " status = CASE WHEN b.paid + a.amount = b.total THEN 'paid'"
    " WHEN b.status = 'overdue' THEN 'overdue' ELSE 'partly_paid' END"
    " FROM applied a WHERE b.id = :bill RETURNING a.amount"
)


def apply_notes(session: Session, bill_id: UUID) -> Decimal:
    """Match the unmatched credit notes of a bill to it; how much. The bill must have room for them."""
    return Decimal(session.execute(_APPLY, {"bill": bill_id}).scalar_one())


_REVERSED = text(
    "UPDATE credit c SET reversed = c.reversed + r.amount, version = c.version + 1 FROM unnest("
    " CAST(:ids AS uuid[]), CAST(:amounts AS numeric[])) AS r(id, amount) WHERE c.id = r.id"
)


def mark_reversed(session: Session, parts: Sequence[tuple[UUID, Decimal]]) -> None:
    if parts:
        ids, amounts = zip(*parts, strict=True)
        session.execute(_REVERSED, {"ids": list(ids), "amounts": list(amounts)})


def _selected() -> Select[Any]:
    return select(
        credit, customer_fact.c.name.label("customer_name"), customer_fact.c.username
    ).join(customer_fact, customer_fact.c.id == credit.c.customer_id)


def detail(session: Session, credit_id: UUID) -> Any:
    """One credit with its customer's name; None outside the caller's branch."""
    return session.execute(_selected().where(credit.c.id == credit_id)).one_or_none()


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    """Credits of the caller's branch; `from` and `to` are about when they were given."""
    query = _selected().where(scope.covers(credit.c.operator_path))
    for name, column, compare in (
        ("customer_id", credit.c.customer_id, operator.eq),
        ("kind", credit.c.kind, operator.eq),
        ("bill_id", credit.c.bill_id, operator.eq),
        ("from", credit.c.created_at, operator.ge),
        ("to", credit.c.created_at, operator.lt),
    ):
        if filters.get(name) is not None:
            query = query.where(compare(column, filters[name]))
    return query
