"""Where a job was asked for, for the log of what it does (B21)."""

from alembic import op

from shared.migrating import install_job_address

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    install_job_address(op.get_bind())
