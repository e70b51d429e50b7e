"""Fair use ends with the period that it throttles (statuses, row 7): those who stand so already, too."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        "UPDATE hold SET until = c.expires_at FROM customer c WHERE c.id = hold.customer_id"
        " AND hold.kind = 'fair_use' AND hold.lifted_at IS NULL AND hold.until IS NULL"
        " AND c.activated_at IS NOT NULL AND c.expires_at IS NOT NULL"
    )
