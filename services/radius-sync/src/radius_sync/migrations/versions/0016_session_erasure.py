"""Erasing what is kept of a customer's sessions before the customer itself (A41)."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
