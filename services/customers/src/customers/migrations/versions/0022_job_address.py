"""Where a job was asked for, for the log of what it does (B21)."""

from alembic import op

from shared.migrating import install_job_address

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    install_job_address(op.get_bind())
