"""The classes' limits of failed automatic payments (C29)."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE customer_fact"
        " ADD COLUMN retry_limit int NOT NULL DEFAULT 3 CHECK (retry_limit > 0)"
    )
