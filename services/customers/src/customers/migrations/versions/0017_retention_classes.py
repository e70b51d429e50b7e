"""Retention by data class: sessions go before the person."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
