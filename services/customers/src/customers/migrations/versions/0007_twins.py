"""Which rows of a file repeat an earlier one is found once, when the file comes."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # [{"field", "line"}]: what an earlier line of the file has too.
    op.execute("ALTER TABLE import_row ADD COLUMN twins jsonb NOT NULL DEFAULT '[]'")
