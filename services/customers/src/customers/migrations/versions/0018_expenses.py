"""The expenses of the ISP's day, against the spending limit (C30)."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE customer ADD COLUMN expenses numeric(18, 3) NOT NULL DEFAULT 0,"
        " ADD COLUMN expenses_until timestamptz"
    )
