"""Operators have patterns of numbers of their own; numbers run on by series."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import text

from shared.migrating import run_script, scope_rows

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, role, "number_pattern")
    connection.execute(
        text(f"GRANT EXECUTE ON FUNCTION number_pattern_of TO {role}, {role}_scoped")
    )
