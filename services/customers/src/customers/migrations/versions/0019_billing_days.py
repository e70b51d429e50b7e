"""Retention by data class: billing goes later than the person."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
