"""Cash drawers: what each operator holds, shifts, hand-overs, limits."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import text

from shared.migrating import run_script, scope_rows

revision = "0007"
down_revision = "0006"

LEDGER = (
    "EXISTS (SELECT FROM account a WHERE a.customer_id = ledger_transaction.customer_id)"
    " OR (customer_id IS NULL AND operator_path >= current_setting('tenure.scope') COLLATE \"C\""
    " AND operator_path < current_setting('tenure.scope_end') COLLATE \"C\")"
)
ENTRY = (
    "EXISTS (SELECT FROM account a WHERE a.customer_id = ledger_entry.customer_id)"
    " OR (customer_id IS NULL AND EXISTS (SELECT FROM ledger_transaction t"
    " WHERE t.id = ledger_entry.transaction_id))"
)
DRAWER = "EXISTS (SELECT FROM operator_fact o WHERE o.id = cash_drawer.operator_id)"


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("cash_shift", "cash_hand_over"):
        scope_rows(connection, role, table)
    for table, condition in (("ledger_transaction", LEDGER), ("ledger_entry", ENTRY)):
        connection.execute(text(f"ALTER POLICY branch ON {table} USING ({condition})"))
    connection.execute(text("ALTER TABLE cash_drawer ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"CREATE POLICY everything ON cash_drawer TO {role} USING (true)"))
    connection.execute(
        text(f"CREATE POLICY branch ON cash_drawer TO {role}_scoped USING ({DRAWER})")
    )
    # Balances follow the ledger; a limit is all that anybody sets.
    connection.execute(
        text(f"REVOKE INSERT, UPDATE, DELETE ON cash_drawer FROM {role}, {role}_scoped")
    )
    connection.execute(
        text(f"GRANT UPDATE (cash_limit, version) ON cash_drawer TO {role}, {role}_scoped")
    )
    for function in ("move_cash", "open_drawer"):
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION {function} TO {role}, {role}_scoped"))
