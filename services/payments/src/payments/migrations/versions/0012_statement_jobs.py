"""Statements are taken in by jobs."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, context.config.attributes["role"], "statement_row")
