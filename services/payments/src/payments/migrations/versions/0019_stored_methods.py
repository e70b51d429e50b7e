"""Methods that customers have stored at a gateway, and what is taken by them when it is due."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, context.config.attributes["role"], "payment_method")
