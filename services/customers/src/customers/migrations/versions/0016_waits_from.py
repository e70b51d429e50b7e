"""Where a period ended before an export made it last on: there the next one is billed."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE customer ADD COLUMN waits_from timestamptz")
