"""A customer's statement: ledger transactions that change what is owed, with the balance after each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Numeric, Select, String, select, text
from sqlalchemy.dialects.postgresql import UUID as UUIDType
from sqlalchemy.sql import Subquery

# Matching money to bills moves it between two accounts of the same customer: no line of a statement.
_LINES = (
    "SELECT t.id, t.effective_at, t.recorded_at, t.position, t.kind, t.currency, t.bill_id,"
    " t.payment_id, t.credit_id, coalesce(b.number, c.number) AS bill_number, p.receipt_number,"
    " p.method, e.amount,"
    " sum(e.amount) OVER (ORDER BY t.effective_at, t.position) AS balance"
    " FROM ledger_transaction t"
    " JOIN LATERAL (SELECT sum(amount) AS amount FROM ledger_entry"
    "  WHERE transaction_id = t.id AND account IN ('receivable', 'credit')) e ON true"
    " LEFT JOIN bill b ON b.id = t.bill_id LEFT JOIN payment p ON p.id = t.payment_id"
    " LEFT JOIN credit c ON c.id = t.credit_id"
    " WHERE t.customer_id = :customer AND t.kind NOT IN ('allocation', 'release', 'commission',"
    " 'commission_reversal')"
)


def lines(customer_id: UUID) -> tuple[Select[Any], Subquery]:
    """The lines and the subquery whose columns sort them; `balance` is what was owed after each."""
    found = (
        text(_LINES)
        .bindparams(customer=customer_id)
        .columns(
            Column("id", UUIDType(as_uuid=True), nullable=False),
            Column("effective_at", DateTime(timezone=True), nullable=False),
            Column("recorded_at", DateTime(timezone=True), nullable=False),
            Column("position", BigInteger, nullable=False),
            Column("kind", String, nullable=False),
            Column("currency", String, nullable=False),
            Column("bill_id", UUIDType(as_uuid=True)),
            Column("payment_id", UUIDType(as_uuid=True)),
            Column("credit_id", UUIDType(as_uuid=True)),
            Column("bill_number", String),
            Column("receipt_number", String),
            Column("method", String),
            Column("amount", Numeric(18, 4), nullable=False),
            Column("balance", Numeric(18, 4), nullable=False),
        )
        .subquery("lines")
    )
    return select(found), found
