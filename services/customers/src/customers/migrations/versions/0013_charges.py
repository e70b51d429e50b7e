"""What payments bills a period of a package at: with a tax that comes on top of the price."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE package ADD COLUMN charge numeric(14, 3),"
        # The price that it is of: after a new one the charge is unknown until payments tells of it.
        " ADD COLUMN charge_of numeric(14, 3), ADD COLUMN charge_version bigint NOT NULL DEFAULT 0"
    )
