"""What erasure, views and imports keep beside the first tables."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, role, "import")
