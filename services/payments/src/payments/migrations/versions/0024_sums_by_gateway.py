"""Sums of days by gateway and status."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
