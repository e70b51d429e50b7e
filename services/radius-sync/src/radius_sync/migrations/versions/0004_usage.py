"""Usage by day, sessions of long ago in an archive by month, and who had an address at a time."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
