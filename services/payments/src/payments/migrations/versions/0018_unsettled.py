"""What is not settled is summed up over an index alone."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("DROP INDEX payment_unsettled")
    op.execute(
        "CREATE INDEX payment_unsettled ON payment (method, currency, paid_at)"
        " INCLUDE (operator_path, amount, refunded) WHERE settled_at IS NULL AND status <> 'voided'"
        " AND method <> 'cash' AND method <> 'recharge_card'"
    )
