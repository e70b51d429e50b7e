"""Payments: written in one statement however many, searched by customer first, counted by method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import ONLINE

_INSERT = text(
    "INSERT INTO payment (id, customer_id, operator_path, amount, currency, method, gateway,"
    " transaction_reference, note, recorded_at, paid_at, settled_at, operator_id, operator_name,"
    " receipt_number) SELECT id, customer_id, operator_path, amount, currency, method, gateway,"
    " transaction_reference, note, recorded_at, paid_at, settled_at, operator_id, operator_name,"
    " receipt_number FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(id uuid, customer_id uuid,"
    " operator_path text, amount numeric, currency text, method text, gateway text,"
    " transaction_reference text, note text, recorded_at timestamptz, paid_at timestamptz,"
    " settled_at timestamptz, operator_id uuid, operator_name text, receipt_number text)"
)


def insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    session.execute(_INSERT, {"rows": orjson.dumps(rows, default=str).decode()})


_RECENT = text(
    "SELECT id FROM payment WHERE customer_id = :customer AND recorded_at > :since"
    " AND amount = :amount AND status <> 'voided' ORDER BY recorded_at DESC LIMIT 5"
)
_SAME_REFERENCE = text(
    "SELECT id FROM payment WHERE lower(transaction_reference) = lower(:reference)"
    " AND method = :method AND status <> 'voided' LIMIT 5"
)


def recent_like(
    session: Session, customer_id: UUID, amount: Decimal, since: datetime
) -> list[UUID]:
    """Payments of the same customer and amount, recorded since then."""
    return list(
        session.scalars(_RECENT, {"customer": customer_id, "amount": amount, "since": since})
    )


def with_reference(session: Session, method: str, reference: str) -> list[UUID]:
    """Payments of the caller's branch with the same method and reference."""
    return list(session.scalars(_SAME_REFERENCE, {"method": method, "reference": reference}))


def with_digests(session: Session, digests: Sequence[str]) -> bool:
    """Whether a gateway's payment of an erased customer has one of these digests for its reference."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM payment WHERE transaction_reference = ANY(:digests)"
                " AND method = ANY(:methods) AND status <> 'voided')"
            ),
            {"digests": list(digests), "methods": sorted(ONLINE)},
        )
    )


def locked(session: Session, payment_id: UUID) -> Any:
    """The payment, or None outside the caller's branch. The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM payment WHERE id = :id FOR UPDATE"), {"id": payment_id}
    ).one_or_none()


def customer_of(session: Session, payment_id: UUID) -> UUID | None:
    found: UUID | None = session.scalar(
        text("SELECT customer_id FROM payment WHERE id = :id"), {"id": payment_id}
    )
    return found


def mark_void(session: Session, payment_id: UUID) -> None:
    session.execute(
        text(
            "UPDATE payment SET status = 'voided', voided_at = now(), version = version + 1"
            " WHERE id = :id"
        ),
        {"id": payment_id},
    )


def mark_refunded(session: Session, payment_id: UUID, refunded: Decimal, status: str) -> None:
    session.execute(
        text(
            "UPDATE payment SET refunded = :refunded, status = :status, version = version + 1"
            " WHERE id = :id"
        ),
        {"id": payment_id, "refunded": refunded, "status": status},
    )


_DETAIL = text(
    "SELECT p.*, f.name AS customer_name, f.username, f.customer_number,"
    " f.operator_name AS managed_by, (SELECT coalesce(jsonb_agg(jsonb_build_object("
    " 'bill_id', a.bill_id, 'bill_number', b.number, 'amount', a.amount::text)"
    " ORDER BY b.due_at, b.id), '[]') FROM allocation a JOIN bill b ON b.id = a.bill_id"
    " WHERE a.payment_id = p.id) AS allocations"
    " FROM payment p JOIN customer_fact f ON f.id = p.customer_id WHERE p.id = ANY(:ids)"
)


def detail(session: Session, payment_id: UUID) -> Any:
    """One payment with its allocations and its customer's name; None outside the caller's branch."""
    return session.execute(_DETAIL, {"ids": [payment_id]}).one_or_none()


_ALLOCATIONS = text(
    "SELECT a.payment_id, a.bill_id, b.number AS bill_number, a.amount FROM allocation a"
    " JOIN bill b ON b.id = a.bill_id WHERE a.payment_id = ANY(:ids) ORDER BY b.due_at, b.id"
)


def allocations(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What each of the payments paid."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in session.execute(_ALLOCATIONS, {"ids": list(ids)}):
        found.setdefault(row.payment_id, []).append(
            {"bill_id": row.bill_id, "bill_number": row.bill_number, "amount": row.amount}
        )
    return found
