"""The lists of customers at 1,000,000 of them, 100,000 deleted: what a page and a search take.

Over HTTP, as an admin and as a reseller with a tenth of them; the floor is the bare SQL of the same
first page. Every median must be below 50 ms. The plans are kept in `var/bench/customers-plans.txt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import quote

from sqlalchemy import event, text

from tests.bench import Measure, measure
from tests.customers.conftest import Caller, Site, make_site
from tests.support.servers import start_postgres

NAMES = ("customers",)
MANY, RUNS = 1_000_000, 9
MOST_SECONDS = 0.050
PLANS = Path("var/bench/customers-plans.txt")
# What a name is made of: two hundred each, so that a full name is shared by about 25 people.
_FIRST = [
    "Rahim",
    "Karim",
    "Nasrin",
    "Fatema",
    "Jamal",
    "Kamal",
    "Selina",
    "Habib",
    "Rokeya",
    "Tariq",
]
_LAST = [
    "Uddin",
    "Ahmed",
    "Begum",
    "Hossain",
    "Khatun",
    "Islam",
    "Sarker",
    "Chowdhury",
    "Miah",
    "Sultana",
]
_FILL = """
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
    now() - interval '20 days', now() + (n % 30) * interval '1 day', n % 1000,
    CASE WHEN n % 10 = 3 THEN now() - n * interval '20 seconds' END,
    CASE WHEN n % 10 = 3 THEN 'admin' END,
    CASE WHEN n % 10 = 3 THEN 'closed_account' END,
    CASE WHEN n % 10 = 3 AND n % 4 > 0 THEN 'Home ' || n % 6 END,
    CASE WHEN n % 10 = 3 THEN 'Operator ' || n % 10 END,
    CASE WHEN n % 10 = 3 AND n % 8 > 0 THEN now() + n * interval '1 minute' END,
    now() - n * interval '30 seconds'
FROM generate_series(1, :many) n
JOIN operator o ON o.username = 'reseller' || (hashint4(n) & 2147483647) % 10
JOIN package p ON p.name = 'Home ' || (n % 6)
"""
_INDEXES = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'customer'"
    " AND indexdef LIKE '%gin_trgm_ops%'"
)


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder, _filled(Path(folder)) as site:
        PLANS.parent.mkdir(parents=True, exist_ok=True)
        PLANS.write_text("")
        reseller = _reseller(site)
        found: list[Measure] = []
        for who, caller in (("admin", site.admin), ("reseller", reseller)):
            for name, url in _lists(caller).items():
                found.append(_measured(site, caller, f"customers: {name}, {who}", url))
        return found


@contextmanager
def _filled(folder: Path) -> Iterator[Site]:
    server = start_postgres(folder / "data")
    try:
        for site in make_site(server.url, "redis://127.0.0.1:1/0", folder):
            fill(site)
            # Filling takes longer than a token lasts.
            site.admin = site.caller(site.admin.id, site.admin.path, "admin", "admin")
            yield site
    finally:
        server.stop()


def fill(site: Site, many: int = MANY) -> None:
    """Customers of ten resellers and six packages, set-based; the trigrams are indexed at the end."""
    for n in range(10):
        site.operator(f"reseller{n}")
    for n in range(6):
        site.package(f"Home {n}")
    with site.database.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
        trigrams = connection.execute(_INDEXES).all()
        for index in trigrams:
            connection.execute(text(f"DROP INDEX {index.indexname}"))
        connection.execute(text(_FILL), {"many": many, "first": _FIRST, "last": _LAST})
        for index in trigrams:
            connection.execute(text(index.indexdef))
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE customer"))
        connection.invalidate()


def _reseller(site: Site) -> Caller:
    row = site.one("SELECT id, operator_path FROM operator WHERE username = 'reseller3'")
    return site.caller(row.id, row.operator_path, "reseller", "reseller3")


def _lists(caller: Caller) -> dict[str, str]:
    """By name: a list as somebody asks for it."""
    living, gone = "/v1/customers", "/v1/deleted-customers"
    one = _somebody(caller, living)
    dead = _somebody(caller, gone)
    found = {
        "first page": living,
        "deep page": _deep(caller, living),
        "by name": f"{living}?sort=name",
        "by expiry, downward": f"{living}?sort=-expires_at",
        "blocked": f"{living}?status=blocked",
        "suspended": f"{living}?status=suspended",
        "held": f"{living}?hold=admin",
        "with total": f"{living}?include=total",
        "search login": f"{living}?q={one['username']}",
        "search phone": f"{living}?q={quote('0' + one['phone'][4:])}",
        "search part of a phone": f"{living}?q={one['phone'][-7:]}",
        "search name": f"{living}?q={quote(one['name'])}",
        "search common name": f"{living}?q=rahim",
        "search mistyped name": f"{living}?q={quote(_mistyped(one['name']))}",
        "search nobody": f"{living}?q=qwxzzyq",
        "deleted, first page": gone,
        "deleted, deep page": _deep(caller, gone),
        "deleted, search name": f"{gone}?q={quote(dead['name'])}",
        "deleted, search mistyped": f"{gone}?q={quote(_mistyped(dead['name']))}",
        "deleted, search phone": f"{gone}?q={quote('0' + dead['phone'][4:])}",
    }
    for column in ("name", "phone", "package_name", "operator_name", "deleted_by", "erase_after"):
        found[f"deleted, by {column}"] = f"{gone}?sort={column}"
        found[f"deleted, by {column}, downward"] = f"{gone}?sort=-{column}"
    return found


def _somebody(caller: Caller, place: str) -> dict[str, Any]:
    rows: Any = caller.get(f"{place}?limit=500").get_json()["items"]
    return next(row for row in rows[250:] if row["phone"])


def _mistyped(name: str) -> str:
    """Two letters of the first word changed their places."""
    return f"{name[:2]}{name[3]}{name[2]}{name[4:]}"


def _deep(caller: Caller, place: str) -> str:
    """Pages of 500 until far down the list."""
    url = f"{place}?limit=500"
    for _ in range(100):
        found: Any = caller.get(url).get_json()
        if found["next_cursor"] is None:
            break
        url = f"{place}?limit=500&cursor={found['next_cursor']}"
    return url.replace("limit=500", "limit=25")


def _measured(site: Site, caller: Caller, name: str, url: str) -> Measure:
    statements: list[tuple[str, Any]] = []
    with _listening(site, statements):
        answer: Any = caller.get(url)
    assert answer.status_code == 200, answer.text
    _keep_plans(site, name, url, statements)
    seconds = _median(lambda: caller.get(url))
    rows = len(answer.get_json()["items"])
    return measure(name, seconds, MOST_SECONDS, 1.0, note=f"{rows} rows, at most 50 ms")


def _median(work: Callable[[], object]) -> float:
    times = []
    for turn in range(RUNS + 1):
        started = perf_counter()
        work()
        if turn:
            times.append(perf_counter() - started)
    return median(times)


@contextmanager
def _listening(site: Site, statements: list[tuple[str, Any]]) -> Iterator[None]:
    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if " customer" in statement and statement.startswith("SELECT"):
            statements.append((statement, parameters))

    event.listen(site.database.engine, "before_cursor_execute", hear)
    yield
    event.remove(site.database.engine, "before_cursor_execute", hear)


def _keep_plans(site: Site, name: str, url: str, statements: list[tuple[str, Any]]) -> None:
    with PLANS.open("a") as file, site.database.transaction() as session:
        file.write(f"\n== {name}: {url}\n")
        for statement, parameters in statements:
            plan = session.connection().exec_driver_sql(
                f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters
            )
            file.write("\n".join(str(row[0]) for row in plan) + "\n--\n")
