"""What the relay has not handed over yet, in a table of its own."""

from alembic import op

from shared.migrating import install_outbox_unsent

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    install_outbox_unsent(op.get_bind())
