"""From when the days of grace and of termination count, where that is not since the hold was set:
an activation begins them anew (C21), and the time that a customer lay deleted does not count (A28)."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE hold ADD COLUMN grace_from timestamptz")
    op.execute("DROP INDEX hold_aging")
    op.execute(
        "CREATE INDEX hold_aging ON hold (kind, (coalesce(grace_from, since)))"
        " WHERE lifted_at IS NULL"
    )
