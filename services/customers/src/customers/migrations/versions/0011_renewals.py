"""Another period follows by itself, where the class says so."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE customer_class ADD COLUMN renews boolean NOT NULL DEFAULT true")
