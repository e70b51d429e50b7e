"""A hold on an operator may have an end, as one on a customer has."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("ALTER TABLE operator_hold ADD COLUMN until timestamptz")
    op.execute(
        "CREATE INDEX operator_hold_ending ON operator_hold (until)"
        " WHERE lifted_at IS NULL AND until IS NOT NULL"
    )
