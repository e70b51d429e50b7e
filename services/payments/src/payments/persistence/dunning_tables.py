"""The tables of dunning as lists name them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Table, Text

from payments.persistence.tables import ID, MONEY, PATH, WHEN, metadata
from payments.persistence.tables import _column as column

promise_table = Table(
    "promise",
    metadata,
    column("id", ID, primary_key=True),
    column("customer_id", ID),
    column("operator_path", PATH),
    column("amount", MONEY),
    column("currency", Text),
    column("until", WHEN),
    column("state", Text),
    column("note", Text, nullable=True),
    column("operator_id", ID, nullable=True),
    column("operator_name", Text),
    column("created_at", WHEN),
    column("ended_at", WHEN, nullable=True),
    column("version", BigInteger),
)

reminder = Table(
    "reminder",
    metadata,
    column("id", ID, primary_key=True),
    column("bill_id", ID),
    column("day", Integer),
    column("customer_id", ID),
    column("operator_path", PATH),
    column("at", WHEN),
)
