"""What is owed by age is summed up over an index alone."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("DROP INDEX bill_unpaid")
    op.execute(
        "CREATE INDEX bill_unpaid ON bill (customer_id, due_at, id)"
        " INCLUDE (operator_path, currency, total, paid)"
        " WHERE status IN ('open', 'partly_paid', 'overdue')"
    )
