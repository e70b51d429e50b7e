"""What is searched for once somebody is erased, and who asked."""

from alembic import op

from shared.migrating import install_leftovers

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    install_leftovers(op.get_bind())
