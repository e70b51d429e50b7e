"""An Access-Accept in the words of the NAS's vendor, and a pool per cause of the walled garden."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
