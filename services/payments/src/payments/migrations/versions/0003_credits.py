"""Credits: adjustments, credit notes and write-offs, matched to bills as payments are."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import text

from shared.migrating import run_script, scope_rows

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    scope_rows(connection, role, "credit")
    table, seen = "credit_allocation", "EXISTS (SELECT FROM credit WHERE credit.id = credit_id)"
    connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"CREATE POLICY everything ON {table} TO {role} USING (true)"))
    connection.execute(text(f"CREATE POLICY branch ON {table} TO {role}_scoped USING ({seen})"))
