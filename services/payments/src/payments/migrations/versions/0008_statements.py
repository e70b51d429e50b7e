"""Statements of banks and gateways: their lines, matched with the books."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("statement_import", "statement_line"):
        scope_rows(connection, context.config.attributes["role"], table)
