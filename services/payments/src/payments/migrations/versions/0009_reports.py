"""Scheduled exports, and sums of payments by day."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("export_schedule", "collection_day"):
        scope_rows(connection, context.config.attributes["role"], table)
