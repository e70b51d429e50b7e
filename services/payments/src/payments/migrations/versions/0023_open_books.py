"""Payers are locked, looked up and compared with what is recorded in one call."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
