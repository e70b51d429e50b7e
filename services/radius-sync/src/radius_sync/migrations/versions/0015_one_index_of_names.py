"""Names sort by code point here, so one index finds both a login and what begins with some letters."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("DROP INDEX login_prefix")
