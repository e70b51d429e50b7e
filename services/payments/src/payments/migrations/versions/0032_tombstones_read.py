"""How far the file of tombstones is read."""

from alembic import op

from shared.migrating import install_tombstones_read

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    install_tombstones_read(op.get_bind())
