"""The working days, as payments tells of them: no cut-off falls on another day."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
