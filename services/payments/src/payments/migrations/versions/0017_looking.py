"""Who looked at whose data."""

from alembic import context, op

from shared.migrating import install_access_log

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    install_access_log(op.get_bind(), context.config.attributes["role"])
