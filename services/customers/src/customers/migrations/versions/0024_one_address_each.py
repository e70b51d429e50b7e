"""A static address is one living customer's: two would be two sessions with one Framed-IP-Address.

Addresses that two have already are left out, so that no site stops here: who has such a one keeps it, and
nobody gets it anew (`clashes`). docs/operating.md says how they are found.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

SERVED = (
    "state = 'alive' AND static_address IS NOT NULL AND closed_at IS NULL AND exported_at IS NULL"
)


def upgrade() -> None:
    # Not as text(): the colons of an IPv6 address would be taken for parameters.
    execute = op.get_bind().exec_driver_sql
    doubled = execute(
        "SELECT string_agg(quote_literal(static_address), ', ') FROM (SELECT static_address"
        f" FROM customer WHERE {SERVED} GROUP BY static_address HAVING count(*) > 1) AS found"
    ).scalar()
    others = f" AND static_address NOT IN ({doubled})" if doubled else ""
    execute(f"CREATE INDEX customer_by_address ON customer (static_address) WHERE {SERVED}")
    execute(
        f"CREATE UNIQUE INDEX customer_living_address ON customer (static_address) WHERE {SERVED}{others}"
    )
