"""How far the file of tombstones is read, and who has no line in it yet."""

from alembic import op

from shared.migrating import install_tombstones_read

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    install_tombstones_read(op.get_bind())
    # Every one that is erased already waits for its line in the file, too.
    op.execute("ALTER TABLE erasure_subject ADD COLUMN filed boolean NOT NULL DEFAULT false")
    op.execute(
        "CREATE INDEX erasure_subject_unfiled ON erasure_subject (erasure_id, customer_id)"
        " WHERE state = 'done' AND NOT filed"
    )
