"""Storm protection: many cut-offs at once are paced, and may be stopped."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
