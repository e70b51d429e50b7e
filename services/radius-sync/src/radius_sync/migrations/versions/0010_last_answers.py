"""The last answers to a login, found by an index."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
