"""One bill for a customer and the beginning of a period, those aside that are void."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute(
        "CREATE UNIQUE INDEX bill_of_period ON bill (customer_id, period_start)"
        " WHERE status <> 'void'"
    )
    op.execute("ALTER TABLE bill DROP CONSTRAINT bill_customer_id_period_start_key")
