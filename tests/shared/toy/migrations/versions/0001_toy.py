"""The plumbing, and one table whose rows belong to branches."""

from alembic import context, op

from shared.migrating import (
    install_job_address,
    install_outbox_unsent,
    install_plumbing,
    install_tombstones_read,
    scope_rows,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    install_plumbing(connection, role)
    install_outbox_unsent(connection)
    install_job_address(connection)
    install_tombstones_read(connection)
    op.execute(
        "CREATE TABLE thing (id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 1,"
        " name text NOT NULL, phone text, amount numeric(14, 2),"
        ' operator_path text COLLATE "C" NOT NULL, at timestamptz NOT NULL DEFAULT now())'
    )
    scope_rows(connection, role, "thing")
