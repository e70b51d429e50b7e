"""A find in Redis or in a log keeps the certificate back."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
