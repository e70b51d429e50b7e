"""Sums of taxes by day."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, context.config.attributes["role"], "tax_day")
