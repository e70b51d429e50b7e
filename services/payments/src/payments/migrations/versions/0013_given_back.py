"""Refunds and disputes that were begun at the gateways' own pages."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
