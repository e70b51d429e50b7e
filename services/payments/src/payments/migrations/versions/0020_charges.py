"""What a period of a package is billed at, as customers was told."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE package_fact ADD COLUMN charge numeric,"
        " ADD COLUMN charge_version bigint NOT NULL DEFAULT 0"
    )
