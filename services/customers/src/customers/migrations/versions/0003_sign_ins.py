"""What ends the sign-ins of an operator."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Grows with a changed password and when the operator is disabled: older sign-ins end.
    op.execute("ALTER TABLE operator ADD COLUMN generation bigint NOT NULL DEFAULT 1")
