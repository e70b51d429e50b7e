"""Failures of automatic payments since the last payment (C29)."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE account ADD COLUMN auto_payment_failures int NOT NULL DEFAULT 0"
        " CHECK (auto_payment_failures >= 0)"
    )
