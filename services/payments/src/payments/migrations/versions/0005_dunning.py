"""Dunning: policies per customer class, the calendar, promises to pay, reminders."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("promise", "reminder"):
        scope_rows(connection, context.config.attributes["role"], table)
