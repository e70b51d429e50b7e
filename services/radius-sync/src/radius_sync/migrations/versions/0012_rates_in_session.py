"""Rates that change in a running session by the names a NAS knows them by."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
