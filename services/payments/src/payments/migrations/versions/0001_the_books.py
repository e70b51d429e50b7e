"""The ledger, accounts, bills, payments, and what customers tells."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import Connection, text

from shared.migrating import install_plumbing, make_append_only, run_script, scope_rows

revision = "0001"
down_revision = None

SCOPED = ("customer_fact", "account", "bill", "payment", "finding", "erased_money")
# Rows without a path of their own are seen with the row that they belong to.
THROUGH = {
    "bill_item": "EXISTS (SELECT FROM bill WHERE bill.id = bill_id)",
    "allocation": "EXISTS (SELECT FROM bill WHERE bill.id = bill_id)",
    "activation": "EXISTS (SELECT FROM account a WHERE a.customer_id = activation.customer_id)",
    "ledger_transaction": "EXISTS (SELECT FROM account a"
    " WHERE a.customer_id = ledger_transaction.customer_id)",
    "ledger_entry": "EXISTS (SELECT FROM account a WHERE a.customer_id = ledger_entry.customer_id)",
}


def upgrade() -> None:
    connection = op.get_bind()
    role = context.config.attributes["role"]
    install_plumbing(connection, role)
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in ("ledger_transaction", "ledger_entry", "erased_money"):
        make_append_only(connection, role, table)
    for table in SCOPED:
        scope_rows(connection, role, table)
    for table, condition in THROUGH.items():
        _scope_through(connection, role, table, condition)
    connection.execute(text(f"GRANT EXECUTE ON FUNCTION erase_ledger TO {role}"))


def _scope_through(connection: Connection, role: str, table: str, condition: str) -> None:
    connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"CREATE POLICY everything ON {table} TO {role} USING (true)"))
    connection.execute(
        text(f"CREATE POLICY branch ON {table} TO {role}_scoped USING ({condition})")
    )
