"""The list of customers sorts by what C40 to C44 show (C52): an index each, and for nulls one each way."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    for column in ("balance_control", "currency", "available_funds", "credit_limit"):
        op.execute(
            f"CREATE INDEX customer_by_{column} ON customer ({column}, id) WHERE state = 'alive'"
        )
    op.execute(
        "CREATE INDEX customer_by_credit_limit_down ON customer"
        " (credit_limit DESC NULLS LAST, id DESC) WHERE state = 'alive'"
    )
