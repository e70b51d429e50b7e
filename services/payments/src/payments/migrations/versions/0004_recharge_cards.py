"""Recharge cards: batches, cards, the guard against guessing, commission in the ledger."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import text

from shared.migrating import run_script, scope_rows

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("card_batch", "recharge_card"):
        scope_rows(connection, role, table)
    connection.execute(text(f"GRANT EXECUTE ON FUNCTION use_card TO {role}, {role}_scoped"))
