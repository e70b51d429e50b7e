"""Operators, packages, customers, their deletion, erasure and preferences."""

from pathlib import Path

from alembic import context, op

from shared.migrating import install_plumbing, make_append_only, run_script, scope_rows

revision = "0001"
down_revision = None

SCOPED = ("operator", "api_key", "customer", "erasure")


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    install_plumbing(connection, role)
    run_script(connection, Path(__file__).with_suffix(".sql"))
    make_append_only(connection, role, "certificate")
    for table in SCOPED:
        scope_rows(connection, role, table)
