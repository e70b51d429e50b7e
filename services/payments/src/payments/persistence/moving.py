"""Customers who move to another operator: their books go along."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# A customer who moves to another operator takes the books along; the currency stays once money moved.
_MOVED = text(
    "SELECT c.id FROM customer_fact c JOIN account a ON a.customer_id = c.id"
    " WHERE c.id = ANY(:customers) AND c.erased_at IS NULL"
    " AND (a.operator_path <> c.operator_path OR (a.currency <> c.currency AND a.version = 0))"
)
_FOLLOW = (
    text(
        "UPDATE account a SET operator_path = c.operator_path,"
        " currency = CASE WHEN a.version = 0 THEN c.currency ELSE a.currency END"
        " FROM customer_fact c WHERE c.id = a.customer_id AND c.id = ANY(:customers)"
    ),
    *(
        text(
            f"UPDATE {table} t SET operator_path = c.operator_path FROM customer_fact c"
            " WHERE c.id = t.customer_id AND c.id = ANY(:customers)"
            " AND t.operator_path <> c.operator_path"
        )
        for table in (
            "bill",
            "payment",
            "credit",
            "promise",
            "reminder",
            "proforma",
            "payment_intent",
            "payment_method",
            "payment_review",
            "gateway_refund",
            "gateway_transaction",
            "webhook_delivery",
        )
    ),
)


def follow(session: Session, customers: Sequence[UUID]) -> None:
    """Put accounts and rows of those that have moved where their customers are now."""
    moved = list(session.scalars(_MOVED, {"customers": list(customers)}))
    if moved:
        for statement in _FOLLOW:
            session.execute(statement, {"customers": sorted(moved)})
