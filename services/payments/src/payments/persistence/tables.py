"""The tables as lists, filters and exports name them; migrations/versions has the whole truth."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from shared.database import new_metadata

metadata = new_metadata()

MONEY = Numeric(18, 4)
WHEN = DateTime(timezone=True)
PATH = Text(collation="C")
ID = UUID(as_uuid=True)


def _column(
    name: str, kind: Any, *, nullable: bool = False, primary_key: bool = False
) -> Column[Any]:
    return Column(name, kind, nullable=nullable, primary_key=primary_key)


customer_fact = Table(
    "customer_fact",
    metadata,
    _column("id", ID, primary_key=True),
    _column("version", BigInteger),
    _column("operator_path", PATH),
    _column("customer_number", Text),
    _column("name", Text),
    _column("username", Text),
    _column("phone", Text, nullable=True),
    _column("operator_id", ID),
    _column("operator_name", Text),
    _column("package_id", ID, nullable=True),
    _column("standing", Text),
    _column("holds", ARRAY(Text)),
    _column("balance_control", Text),
    _column("currency", Text),
    _column("credit_limit", MONEY, nullable=True),
    _column("erased_at", WHEN, nullable=True),
    _column("erasure_id", ID, nullable=True),
    _column("search", Text),
)

account = Table(
    "account",
    metadata,
    _column("customer_id", ID, primary_key=True),
    _column("operator_path", PATH),
    _column("currency", Text),
    _column("version", BigInteger),
    _column("billed", MONEY),
    _column("paid", MONEY),
    _column("outstanding", MONEY),
    _column("overdue", Boolean),
    _column("overdue_amount", MONEY),
    _column("available_funds", MONEY),
)

bill = Table(
    "bill",
    metadata,
    _column("id", ID, primary_key=True),
    _column("number", Text),
    _column("customer_id", ID),
    _column("operator_path", PATH),
    _column("currency", Text),
    _column("total", MONEY),
    _column("tax", MONEY),
    _column("paid", MONEY),
    _column("status", Text),
    _column("period_start", WHEN, nullable=True),
    _column("period_end", WHEN, nullable=True),
    _column("issued_at", WHEN),
    _column("due_at", WHEN),
    _column("overdue_at", WHEN, nullable=True),
    _column("voided_at", WHEN, nullable=True),
    _column("version", BigInteger),
)

bill_item = Table(
    "bill_item",
    metadata,
    _column("bill_id", ID, primary_key=True),
    _column("line", SmallInteger, primary_key=True),
    _column("description", Text),
    _column("quantity", Integer),
    _column("amount", MONEY),
    _column("package_id", ID, nullable=True),
)

payment = Table(
    "payment",
    metadata,
    _column("id", ID, primary_key=True),
    _column("customer_id", ID),
    _column("operator_path", PATH),
    _column("amount", MONEY),
    _column("refunded", MONEY),
    _column("allocated", MONEY),
    _column("currency", Text),
    _column("method", Text),
    _column("status", Text),
    _column("gateway", Text, nullable=True),
    _column("transaction_reference", Text, nullable=True),
    _column("note", Text, nullable=True),
    _column("recorded_at", WHEN),
    _column("paid_at", WHEN),
    _column("settled_at", WHEN, nullable=True),
    _column("operator_id", ID, nullable=True),
    _column("operator_name", Text),
    _column("receipt_number", Text),
    _column("voided_at", WHEN, nullable=True),
    _column("version", BigInteger),
)

allocation = Table(
    "allocation",
    metadata,
    _column("payment_id", ID, primary_key=True),
    _column("bill_id", ID, primary_key=True),
    _column("amount", MONEY),
)

credit = Table(
    "credit",
    metadata,
    _column("id", ID, primary_key=True),
    _column("number", Text),
    _column("kind", Text),
    _column("customer_id", ID),
    _column("operator_path", PATH),
    _column("bill_id", ID, nullable=True),
    _column("amount", MONEY),
    _column("tax", MONEY),
    _column("reversed", MONEY),
    _column("allocated", MONEY),
    _column("currency", Text),
    _column("reason", Text, nullable=True),
    _column("created_at", WHEN),
    _column("operator_id", ID, nullable=True),
    _column("operator_name", Text),
    _column("version", BigInteger),
)

card_batch = Table(
    "card_batch",
    metadata,
    _column("id", ID, primary_key=True),
    _column("series", Integer),
    _column("operator_path", PATH),
    _column("operator_id", ID),
    _column("size", Integer),
    _column("value", MONEY),
    _column("currency", Text),
    _column("commission", MONEY),
    _column("expires_at", WHEN),
    _column("created_at", WHEN),
    _column("created_by", Text),
    _column("job_id", ID, nullable=True),
    _column("salt", LargeBinary),
    _column("public_key", LargeBinary),
    _column("made_at", WHEN, nullable=True),
    _column("sha256", Text, nullable=True),
    _column("file_until", WHEN, nullable=True),
    _column("file_removed_at", WHEN, nullable=True),
    _column("version", BigInteger),
)

recharge_card = Table(
    "recharge_card",
    metadata,
    _column("serial", PATH, primary_key=True),
    _column("batch_id", ID),
    _column("operator_path", PATH),
    _column("state", Text),
    _column("issued_at", WHEN, nullable=True),
    _column("used_at", WHEN, nullable=True),
    _column("customer_id", ID, nullable=True),
    _column("payment_id", ID, nullable=True),
)

ledger_transaction = Table(
    "ledger_transaction",
    metadata,
    _column("id", ID, primary_key=True),
    # None: cash between operators, which is of the branch `operator_path`.
    _column("customer_id", ID, nullable=True),
    _column("operator_path", PATH, nullable=True),
    _column("kind", Text),
    _column("bill_id", ID, nullable=True),
    _column("payment_id", ID, nullable=True),
    _column("credit_id", ID, nullable=True),
    _column("currency", Text),
    _column("actor_id", ID, nullable=True),
    _column("effective_at", WHEN),
    _column("recorded_at", WHEN),
    _column("position", BigInteger),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    _column("transaction_id", ID, primary_key=True),
    _column("line", SmallInteger, primary_key=True),
    _column("customer_id", ID),
    _column("account", Text),
    _column("amount", MONEY),
    _column("holder", ID, nullable=True),
    _column("method", Text, nullable=True),
)
