"""As many customers as a measure asks for, of nine resellers and six packages, a tenth deleted."""

from sqlalchemy import Connection, text

from tests.customers.conftest import Caller, Site

RESELLERS = 9
# What a name is made of: two hundred each, so that among a million a full name is shared by about 25.
_FIRST = (
    "Rahim", "Karim", "Nasrin", "Fatema", "Jamal", "Kamal", "Selina", "Habib", "Rokeya", "Tariq",
)  # fmt: skip
_LAST = (
    "Uddin", "Ahmed", "Begum", "Hossain", "Khatun", "Islam", "Sarker", "Chowdhury", "Miah", "Sultana",
)  # fmt: skip
_FILL = text(
    """
INSERT INTO customer (id, customer_number, name, username, phone, email, operator_id, operator_path,
    package_id, status, holds, state, activated_at, expires_at, balance, deleted_at, deleted_by,
    deletion_reason, deleted_package_name, deleted_operator_name, erase_after, created_at)
SELECT gen_random_uuid(), (100000 + n)::text,
    (CAST(:first AS text[]))[1 + n % 10] || substr(md5((n % 200)::text), 1, 2) || ' '
        || (CAST(:last AS text[]))[1 + n / 10 % 10] || substr(md5((n / 200 % 200)::text), 1, 2),
    'user' || n, CASE WHEN n % 20 > 0 THEN
        '+8801' || lpad((n * CAST(7919 AS bigint) % 1000000000)::text, 9, '0') END,
    CASE WHEN n % 3 = 0 THEN 'user' || n || '@example.org' END,
    o.id, o.operator_path, p.id,
    CASE WHEN n % 50 = 0 THEN 'blocked' WHEN n % 9 = 0 THEN 'suspended' WHEN n % 7 = 0 THEN 'inactive'
        ELSE 'active' END,
    CASE WHEN n % 50 = 0 THEN ARRAY['admin'] WHEN n % 9 = 0 THEN ARRAY['overdue'] ELSE '{}' END,
    CASE WHEN n % 10 = 3 THEN 'deleted' ELSE 'alive' END,
    now() - interval '20 days', now() + (n % 30) * interval '1 day',
    CASE WHEN n % 9 = 0 THEN n % 1000 ELSE 0 END,
    CASE WHEN n % 10 = 3 THEN now() - n * interval '20 seconds' END,
    CASE WHEN n % 10 = 3 THEN 'admin' END,
    CASE WHEN n % 10 = 3 THEN 'closed_account' END,
    CASE WHEN n % 10 = 3 AND n % 4 > 0 THEN 'Home ' || n % 6 END,
    CASE WHEN n % 10 = 3 THEN 'Operator ' || n % 10 END,
    CASE WHEN n % 10 = 3 AND n % 8 > 0 THEN now() + n * interval '1 minute' END,
    now() - n * interval '30 seconds'
FROM generate_series(1, :many) n
JOIN operator o ON o.username = 'reseller' || (hashint4(n) & 2147483647) % 9
JOIN package p ON p.name = 'Home ' || (n % 6)
"""
)
_HOLDS = text(
    "INSERT INTO hold (id, customer_id, kind, actor)"
    " SELECT gen_random_uuid(), id, holds[1], 'admin' FROM customer WHERE holds <> '{}'"
)
_INDEXES = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'customer'"
    " AND indexname <> 'customer_pkey'"
)


def fill(site: Site, many: int) -> None:
    """Set-based, the indexes built at the end; the admin gets a new token, since this takes a while."""
    for n in range(RESELLERS):
        site.operator(f"reseller{n}")
    for n in range(6):
        site.package(f"Home {n}")
    with site.database.engine.connect() as connection:
        for setting in ("statement_timeout = 0", "maintenance_work_mem = '1GB'"):
            connection.execute(text(f"SET {setting}"))
        connection.execute(text("RESET ROLE"))
        _fill(connection, many)
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE"))
        connection.invalidate()
    site.admin = site.caller(site.admin.id, site.admin.path, "admin", "admin")


def _fill(connection: Connection, many: int) -> None:
    indexes = connection.execute(_INDEXES).all()
    for index in indexes:
        connection.execute(text(f"DROP INDEX {index.indexname}"))
    connection.execute(_FILL, {"many": many, "first": list(_FIRST), "last": list(_LAST)})
    connection.execute(_HOLDS)
    for index in indexes:
        connection.execute(text(index.indexdef))


def reseller(site: Site) -> Caller:
    """One of the nine, with a ninth of the customers."""
    row = site.one("SELECT id, operator_path FROM operator WHERE username = 'reseller3'")
    return site.caller(row.id, row.operator_path, "reseller", "reseller3")
