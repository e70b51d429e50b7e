"""What the other services' searches for leftovers found; the certificate waits for them."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
