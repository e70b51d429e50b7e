"""As many payments as a measure asks for: twenty for each customer, of ten resellers, over three years."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from joserfc.jwk import KeySet
from sqlalchemy import Connection, text

from payments.settings import DATABASE, MIGRATIONS, SERVICE, PaymentsSettings, current
from payments.web import build
from shared.database import Database
from shared.migrating import migrate
from tests.payments.stage import KEY, Stage
from tests.support import databases

EACH = 20
RESELLERS = 10
ONE_BRANCH = "1/5/"
# What a name is made of: two hundred each, so that among a million a full name is shared by about 25.
_FIRST = (
    "Rahim", "Karim", "Nasrin", "Fatema", "Jamal", "Kamal", "Selina", "Habib", "Rokeya", "Tariq",
)  # fmt: skip
_LAST = (
    "Uddin", "Ahmed", "Begum", "Hossain", "Khatun", "Islam", "Sarker", "Chowdhury", "Miah", "Sultana",
)  # fmt: skip
_ID = "CAST('00000000-0000-7000-{kind}-' || lpad(to_hex({n}), 12, '0') AS uuid)"
_CUSTOMER, _BILL = _ID.format(kind="8000", n="{n}"), _ID.format(kind="8001", n="{n}")
_BRANCH = "'1/' || {n} % 10 + 2 || '/'"
_OPERATOR = "CAST('00000000-0000-0000-0000-' || lpad(to_hex({n} % 10 + 2), 12, '0') AS uuid)"

_CUSTOMERS = f"""
INSERT INTO customer_fact (id, version, operator_path, customer_number, name, username, phone,
    operator_id, operator_name, standing, balance_control, currency)
SELECT {_CUSTOMER.format(n="n")}, 1, {_BRANCH.format(n="n")}, (100000 + n)::text,
    (CAST(:first AS text[]))[1 + n / 7 % 10] || substr(md5((n / 7 % 200)::text), 1, 2) || ' '
        || (CAST(:last AS text[]))[1 + n / 70 % 10] || substr(md5((n / 1400 % 200)::text), 1, 2),
    'user' || n, '+8801' || lpad((n * CAST(7919 AS bigint) % 1000000000)::text, 9, '0'),
    {_OPERATOR.format(n="n")}, 'Reseller ' || n % 10, 'customer', 'prepaid', 'BDT'
FROM generate_series(1, :customers) n
"""
_ACCOUNTS = """
INSERT INTO account (customer_id, operator_path, currency, billed, paid)
SELECT id, operator_path, currency, 0, 0 FROM customer_fact
"""
_BILLS = f"""
INSERT INTO bill (id, number, customer_id, operator_path, currency, total, paid, status, due_at)
SELECT {_BILL.format(n="n")}, 'B-' || n, {_CUSTOMER.format(n="n")}, {_BRANCH.format(n="n")}, 'BDT',
    500, 500, 'paid', now() FROM generate_series(1, :customers) n
"""
# Neighbours in time are neighbours in the book, but their customers are spread over all of them.
_PAYMENTS = f"""
INSERT INTO payment (id, customer_id, operator_path, amount, currency, method, status, gateway,
    transaction_reference, note, recorded_at, paid_at, settled_at, operator_id, operator_name,
    receipt_number, refunded, allocated)
SELECT CAST(lpad(to_hex(n), 8, '0') || '-0000-7000-8002-000000000000' AS uuid),
    {_CUSTOMER.format(n="c")}, {_BRANCH.format(n="c")}, 100 + n / 11 % 900, 'BDT', method,
    CASE WHEN n % 97 = 0 THEN 'voided' WHEN n % 89 = 0 THEN 'partly_refunded' ELSE 'recorded' END,
    CASE WHEN k BETWEEN 8 AND 16 THEN method END,
    CASE WHEN method = 'cash' THEN CASE WHEN n % 40 = 0 THEN 'BOOK-' || n / 40 END
        ELSE upper(substr(md5(n::text), 1, 5) || lpad(to_hex(n), 7, '0')) END,
    CASE WHEN n % 50 = 0 THEN 'paid for ' || n % 12 || ' months' END,
    at, at - n % 3600 * interval '1 second',
    CASE WHEN method NOT IN ('cash', 'recharge_card') AND n % 20 > 0 THEN at + interval '1 day' END,
    {_OPERATOR.format(n="c")}, 'Reseller ' || c % 10, 'R-' || n,
    CASE WHEN n % 97 > 0 AND n % 89 = 0 THEN 10 ELSE 0 END,
    CASE WHEN n % 97 = 0 THEN 0 WHEN n % 89 = 0 THEN 90 + n / 11 % 900 ELSE 100 + n / 11 % 900 END
FROM generate_series(CAST(:low AS bigint), :high) n
CROSS JOIN LATERAL (SELECT n * 611953 % :customers + 1 AS c, n / 7 % 20 AS k) AS chosen
CROSS JOIN LATERAL (SELECT
    now() - (:many - n) * make_interval(secs => 94608000.0 / :many) AS at,
    (ARRAY['cash', 'cash', 'cash', 'cash', 'cash', 'cash', 'cash', 'cash', 'bkash', 'bkash', 'bkash',
        'bkash', 'bkash', 'nagad', 'nagad', 'nagad', 'sslcommerz', 'bank_transfer', 'recharge_card',
        'other'])[1 + k] AS method) AS made
"""
# One open bill for each customer, with its ledger rows: what a payment is matched to.
_OPEN_BILLS = f"""
WITH issued AS (INSERT INTO bill (id, number, customer_id, operator_path, currency, total, due_at)
    SELECT {_ID.format(kind="8003", n="n")}, 'O-' || n, {_CUSTOMER.format(n="n")},
        {_BRANCH.format(n="n")}, 'BDT', 500, now() + interval '5 days'
    FROM generate_series(1, :customers) n RETURNING *),
booked AS (INSERT INTO ledger_transaction (id, customer_id, kind, bill_id, currency, effective_at)
    SELECT id, customer_id, 'bill', id, currency, issued_at FROM issued)
INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount)
SELECT id, line, customer_id, account, sign * total FROM issued
CROSS JOIN (VALUES (1, 'receivable', 1), (2, 'revenue', -1)) AS side(line, account, sign)
"""
_ALLOCATIONS = f"""
INSERT INTO allocation (payment_id, bill_id, amount)
SELECT id, {_BILL.format(n="n * 611953 % :customers + 1")}, 100
FROM (SELECT id, CAST(substr(receipt_number, 3) AS bigint) AS n FROM payment
    WHERE recorded_at > now() - interval '60 days') AS late
"""
# In one INSERT: more at once only makes the server's memory grow.
_AT_ONCE = 1_000_000


@contextmanager
def crowded(
    url: str, folder: Path, many: int, *, customers: int = 0, filled: bool = False
) -> Iterator[Stage]:
    """Payments with `many` of them in its books; `filled`: they are there already.

    Twenty for each customer when it is not said how many `customers` there are.
    """
    wanted = databases.read_settings(
        SERVICE, DATABASE, PaymentsSettings, url, folder, "redis://127.0.0.1:1/0"
    )
    environment = {**databases.SECRETS, "TENURE_HOME": str(folder)}
    settings = wanted if filled else databases.fresh(wanted, lambda s: migrate(s, MIGRATIONS))
    database = Database(settings)
    keys = KeySet([KEY])
    stage = Stage(database, build(settings, database, keys=lambda _afresh: keys).test_client())
    try:
        # What takes no settings reads them from the environment.
        with patch.dict(os.environ, environment):
            current.cache_clear()
            if not filled:
                for n in range(RESELLERS):
                    stage.operator(f"1/{n + 2}/", f"reseller{n}")
                fill(database, many, customers or max(1, many // EACH))
            yield stage
    finally:
        current.cache_clear()
        database.close()


def fill(database: Database, many: int, customers: int) -> None:
    """Set-based, with no trigger, and the indexes built at the end."""
    with database.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        for setting in (
            "statement_timeout = 0", "lock_timeout = 0", "maintenance_work_mem = '1GB'",
            "max_parallel_maintenance_workers = 1", "session_replication_role = replica",
        ):  # fmt: skip
            connection.execute(text(f"SET {setting}"))
        indexes = _take_indexes(connection)
        _fill(connection, many, customers)
        for definition in indexes:
            connection.execute(text(definition))
            connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE"))
        connection.invalidate()


def _fill(connection: Connection, many: int, customers: int) -> None:
    given = {"many": many, "customers": customers}
    names = {"first": list(_FIRST), "last": list(_LAST)}
    connection.execute(text(_CUSTOMERS), given | names)
    connection.execute(text(_ACCOUNTS))
    connection.execute(text(_BILLS), given)
    connection.commit()
    for low in range(1, many + 1, _AT_ONCE):
        high = min(low + _AT_ONCE - 1, many)
        connection.execute(text(_PAYMENTS), given | {"low": low, "high": high})
        connection.commit()
    connection.execute(text(_ALLOCATIONS), given)
    connection.execute(text(_OPEN_BILLS), given)
    connection.commit()


def _take_indexes(connection: Connection) -> list[str]:
    """Drop those of payments that are no constraint; how to make them again."""
    rows = connection.execute(
        text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('payment',"
            " 'customer_fact') AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
    ).all()
    for row in rows:
        connection.execute(text(f"DROP INDEX {row.indexname}"))
    connection.commit()
    return [row.indexdef for row in rows]
