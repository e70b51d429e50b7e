"""Holds on operators, each with its owner (C5), and since when (the status of a past day)."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, context.config.attributes["role"], "operator_hold")
