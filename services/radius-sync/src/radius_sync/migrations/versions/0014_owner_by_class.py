"""Erasing a customer's sessions by the Class they carry, where they carry one."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
