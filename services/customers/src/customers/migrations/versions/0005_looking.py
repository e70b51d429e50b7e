"""Who looked at whom; the signed heads of the logs; files with all that is held on a person."""

from pathlib import Path

from alembic import context, op

from shared.migrating import install_access_log, make_append_only, run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    install_access_log(connection, role)
    run_script(connection, Path(__file__).with_suffix(".sql"))
    make_append_only(connection, role, "chain_head")
