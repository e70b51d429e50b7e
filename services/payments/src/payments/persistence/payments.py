"""Payments: written in one statement however many, searched by customer first, counted by method."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import ONLINE

_DIGESTS = text(
    "SELECT transaction_reference FROM payment WHERE transaction_reference = ANY(:digests)"
    " AND method = ANY(:methods) AND status <> 'voided'"
)


def with_digests(session: Session, digests: Sequence[str]) -> list[str]:
    """Which of these digests stand for the reference of a gateway's payment of an erased customer."""
    return list(session.scalars(_DIGESTS, {"digests": list(digests), "methods": sorted(ONLINE)}))


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


# What a payment paid.
ALLOCATIONS = (
    "(SELECT coalesce(jsonb_agg(jsonb_build_object("
    "'bill_id', a.bill_id, 'bill_number', b.number, 'amount', CAST(a.amount AS text))"
    " ORDER BY b.due_at, b.id), '[]') FROM allocation a JOIN bill b ON b.id = a.bill_id"
    " WHERE a.payment_id = payment.id)"
)
_DETAIL = text(
    "SELECT payment.*, f.name AS customer_name, f.username, f.customer_number,"
    f" f.operator_name AS managed_by, {ALLOCATIONS} AS allocations"
    " FROM payment JOIN customer_fact f ON f.id = payment.customer_id WHERE payment.id = :id"
)


def detail(session: Session, payment_id: UUID) -> Any:
    """One payment with its allocations and its customer's name; None outside the caller's branch."""
    return session.execute(_DETAIL, {"id": payment_id}).one_or_none()
