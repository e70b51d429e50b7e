"""Which periods payments was paid for already: they follow by themselves, whatever the funds are then."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("ALTER TABLE customer ADD COLUMN paid_periods timestamptz[] NOT NULL DEFAULT '{}'")
