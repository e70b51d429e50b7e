"""Balances as wide as payments' accounts. More digits before the point rewrite no row."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE customer ALTER balance TYPE numeric(18, 3),"
        " ALTER available_funds TYPE numeric(18, 3)"
    )
