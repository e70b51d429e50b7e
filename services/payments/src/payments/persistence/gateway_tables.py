"""The tables of the gateway pipeline as lists and filters name them; migrations have the whole truth."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from payments.persistence.tables import ID, MONEY, PATH, WHEN, metadata
from payments.persistence.tables import _column as column

payment_intent = Table(
    "payment_intent",
    metadata,
    column("id", ID, primary_key=True),
    column("customer_id", ID),
    column("operator_path", PATH),
    column("gateway", Text),
    column("amount", MONEY),
    column("currency", Text),
    column("state", Text),
    column("reference", Text),
    column("redirect_url", Text, nullable=True),
    column("failure", Text, nullable=True),
    column("payment_id", ID, nullable=True),
    column("method_id", ID, nullable=True),
    column("created_by", Text),
    column("created_at", WHEN),
    column("expires_at", WHEN),
    column("finished_at", WHEN, nullable=True),
    column("next_check_at", WHEN, nullable=True),
    column("checks", Integer),
    column("version", BigInteger),
)

payment_method = Table(
    "payment_method",
    metadata,
    column("id", ID, primary_key=True),
    column("customer_id", ID, nullable=True),
    column("operator_path", PATH),
    column("gateway", Text),
    column("state", Text),
    column("redirect_url", Text, nullable=True),
    column("label", Text, nullable=True),
    column("failure", Text, nullable=True),
    column("created_by", Text),
    column("created_at", WHEN),
    column("expires_at", WHEN),
    column("finished_at", WHEN, nullable=True),
    column("next_charge_at", WHEN, nullable=True),
    column("version", BigInteger),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    column("id", ID, primary_key=True),
    column("gateway", Text),
    column("received_at", WHEN),
    column("source_address", Text, nullable=True),
    column("headers", JSONB, nullable=True),
    column("verdict", Text, nullable=True),
    column("state", Text),
    column("outcome", Text, nullable=True),
    column("event_id", Text, nullable=True),
    column("repeats", Integer),
    column("intent_id", ID, nullable=True),
    column("customer_id", ID, nullable=True),
    column("operator_path", PATH),
    column("attempts", Integer),
    column("next_at", WHEN, nullable=True),
    column("processed_at", WHEN, nullable=True),
    column("version", BigInteger),
)

payment_review = Table(
    "payment_review",
    metadata,
    column("id", ID, primary_key=True),
    column("gateway", Text),
    column("transaction", Text),
    column("intent_id", ID, nullable=True),
    column("customer_id", ID, nullable=True),
    column("operator_path", PATH),
    column("amount", MONEY),
    column("currency", Text),
    column("expected_amount", MONEY, nullable=True),
    column("expected_currency", Text, nullable=True),
    column("paid_at", WHEN),
    column("cause", Text),
    column("state", Text),
    column("opened_at", WHEN),
    column("decided_at", WHEN, nullable=True),
    column("decided_by", Text, nullable=True),
    column("decision_reason", Text, nullable=True),
    column("payment_id", ID, nullable=True),
    column("version", BigInteger),
)

gateway_refund = Table(
    "gateway_refund",
    metadata,
    column("id", ID, primary_key=True),
    column("gateway", Text),
    column("transaction", Text),
    column("payment_id", ID, nullable=True),
    column("review_id", ID, nullable=True),
    column("customer_id", ID, nullable=True),
    column("operator_path", PATH),
    column("amount", MONEY),
    column("currency", Text),
    column("reason", Text, nullable=True),
    column("state", Text),
    column("gateway_reference", Text, nullable=True),
    column("error", Text, nullable=True),
    column("requested_by", Text),
    column("created_at", WHEN),
    column("finished_at", WHEN, nullable=True),
    column("attempts", Integer),
    column("next_at", WHEN, nullable=True),
    column("version", BigInteger),
)
