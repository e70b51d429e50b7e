"""Tax on bills, as an account of its own: it is owed to the state and is no revenue."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
