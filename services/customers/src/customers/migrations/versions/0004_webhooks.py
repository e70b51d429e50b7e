"""Where events are sent, and what became of each."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("webhook_endpoint", "webhook_delivery"):
        scope_rows(connection, role, table)
