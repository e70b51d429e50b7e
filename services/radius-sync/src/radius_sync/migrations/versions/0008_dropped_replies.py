"""Datagrams to our ports that were no answer, counted by NAS and cause (B23)."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
