"""Who looked at whom; the signed heads of the logs; files with all that is held on a person."""

from pathlib import Path

from alembic import context, op

from shared.migrating import make_append_only, run_script, scope_rows

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, role, "access_log")
    make_append_only(connection, role, "chain_head")
