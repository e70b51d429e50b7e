"""FreeRADIUS' own tables, and beside them who may be online, sessions to end, targets, drift."""

from pathlib import Path

from alembic import context, op

from shared.migrating import install_plumbing, run_script, scope_rows

revision = "0001"
down_revision = None

SCOPED = ("subscriber", "login", "disconnect_order")
STOCK = Path(__file__).parents[2] / "freeradius" / "schema.sql"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    install_plumbing(connection, role)
    run_script(connection, STOCK)
    own = Path(__file__)
    for part in ("", "_rows", "_sessions"):
        run_script(connection, own.with_name(f"{own.stem}{part}.sql"))
    for table in SCOPED:
        scope_rows(connection, role, table)
