"""Rates in the words of vendors that know them by names only, and of packages that name their own."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
