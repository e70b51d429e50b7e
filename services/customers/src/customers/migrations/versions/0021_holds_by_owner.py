"""Each owner's hold of a kind stands for itself (C5): what one lifts, another one still holds."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute("DROP INDEX hold_in_force")
    op.execute(
        "CREATE UNIQUE INDEX hold_in_force ON hold (customer_id, kind, coalesce(owner_path, ''))"
        " WHERE lifted_at IS NULL"
    )
