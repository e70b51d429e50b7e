"""The NASes of the registry as FreeRADIUS reads them: in its stock table `nas`, secrets sealed."""

from pathlib import Path

from alembic import op

from shared.migrating import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
