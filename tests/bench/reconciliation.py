"""A million subscribers compared with their rows, and a hundred thousand (five times
20,000) provisioned for the first time.

The floor of comparing is PostgreSQL's own `EXCEPT ALL` both ways over the same rows. That of
provisioning is bare SQL: every row that it leaves (fact, login, owner, what FreeRADIUS reads, the
event) inserted from a copy, in the same batches by the same two threads; `provisioning-100k-rows`
is the same beside the rows of FreeRADIUS' tables alone.
"""

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text

from radius_sync import reconciling, rows
from radius_sync.installation import migrate
from radius_sync.settings import Settings
from shared.database import Database, uuid7
from shared.operations import SYSTEM
from tests.bench import Measure, interleaved, measure
from tests.radius_sync.facts import PACKAGE, customer, hear, package
from tests.support.databases import fresh, read_settings
from tests.support.servers import start_postgres

Item = TypeVar("Item")

NAMES = ("provisioning-100k", "provisioning-100k-rows", "reconciliation", "reconciliation-memory")
SUBSCRIBERS, RUNS = 1_000_000, 2
TURNS, NEW, BATCH, THREADS = 5, 20_000, 500, 2
# Of each table that provisioning writes: the key, and what is copied.
WRITTEN = {
    "subscriber": ("customer_id", "customer_id, version, operator_path, username, password_sealed,"
                   " standing, service_type, package_id, activated, expires_at, holds, limited_kbps,"
                   " balance_control, recheck_at"),
    "login": ("username", "username, customer_id, operator_path, access, reason, groupname, rate,"
              " password_sealed, expires_at, generation, access_generation, xid, changed_at"),
    "login_owner": ("username", "username, customer_id, since, until"),
    **{table: ("username", names) for table, names in rows.LOGIN_TABLES.items()},
    "outbox": ("subject", "id, xid, type, subject, sequence, operator_path, occurred_at, data"),
}  # fmt: skip
# What Python and a page of drift take; a million logins held in memory would be a gigabyte.
MEGABYTES = 64.0


def measures(names: tuple[str, ...]) -> list[Measure]:
    with site() as (settings, database):
        found = _provisioning(database) if set(names) & set(NAMES[:2]) else []
        if set(names) & set(NAMES[2:]):
            found += _reconciliation(settings, database)
        return [one for one in found if one.name in names]


@contextmanager
def site() -> Iterator[tuple[Settings, Database]]:
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "data")
        read = read_settings(
            "radius-sync", "radius", Settings, server.url, Path(folder), "redis://127.0.0.1:1/0"
        )
        settings = replace(fresh(read, migrate), pool_size=THREADS)
        database = Database(settings)
        try:
            yield settings, database
        finally:
            database.close()
            server.stop()


def _provisioning(database: Database) -> list[Measure]:
    hear(database, package())
    as_owner(database, *(
        f"CREATE UNLOGGED TABLE kept_{table} AS SELECT {names} FROM {table} LIMIT 0;"
        f" CREATE INDEX ON kept_{table} ({key})" for table, (key, names) in WRITTEN.items()
    ))  # fmt: skip
    # The first turn only warms up.
    times = [_provisioned(database, f"n{turn}-") for turn in range(TURNS + 1)][1:]
    as_owner(database, *(f"DROP TABLE kept_{table}" for table in WRITTEN), *_EMPTY)
    ours, every, few = (NEW / median(side) for side in zip(*times, strict=True))
    return [
        measure(name, ours, bare, target, unit="customers/s", note=note, less_is_better=False)
        for name, bare, target, note in (
            (NAMES[0], every, 0.5, "new customers, against inserting every row that they leave"),
            (NAMES[1], few, 0.25, "the same, against inserting FreeRADIUS' rows alone"),
        )
    ]


def _provisioned(database: Database, prefix: str) -> tuple[float, float, float]:
    """Seconds of hearing of new customers, of inserting every row of theirs, of FreeRADIUS' rows."""
    told = {f"{prefix}{number}": UUID(str(uuid7())) for number in range(NEW)}
    batches = _batches([customer(name, of) for name, of in told.items()])
    ours = _timed([partial(hear, database, *batch) for batch in batches])
    as_owner(database, *(
        f"TRUNCATE kept_{table}; INSERT INTO kept_{table} SELECT {names} FROM {table};"
        f" TRUNCATE {table}" for table, (_, names) in WRITTEN.items()
    ), "ANALYZE")  # fmt: skip
    keys: list[dict[str, list[str] | list[UUID]]] = [
        {"username": logins, "customer_id": ids, "subject": ids}
        for logins, ids in zip(_batches(list(told)), _batches(list(told.values())), strict=True)
    ]
    every = _timed([partial(_insert, database, tuple(WRITTEN), batch) for batch in keys])
    as_owner(database, f"TRUNCATE {', '.join(rows.LOGIN_TABLES)}")
    few = _timed([partial(_insert, database, tuple(rows.LOGIN_TABLES), batch) for batch in keys])
    as_owner(database, *_EMPTY)
    return ours, every, few


_EMPTY = [f"TRUNCATE {table}" for table in WRITTEN]


def as_owner(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        session.execute(text("SET LOCAL ROLE none"))
        for statement in statements:
            session.execute(text(statement))


def _insert(
    database: Database, tables: tuple[str, ...], keys: dict[str, list[str] | list[UUID]]
) -> None:
    with database.transaction() as session:
        for table in tables:
            key, names = WRITTEN[table]
            session.execute(
                text(
                    f"INSERT INTO {table} ({names}) SELECT {names} FROM kept_{table}"
                    f" WHERE {key} = ANY(:keys)"
                ),
                {"keys": keys[key]},
            )


def _reconciliation(settings: Settings, database: Database) -> list[Measure]:
    _fill(database)
    with database.transaction() as session:
        number = sum(
            int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
            for table in rows.LOGIN_TABLES
        )
    before = _peak_megabytes()

    def ours() -> None:
        told = reconciling.run(database, settings.secret_key, heal=False, actor=SYSTEM)
        assert told["drift"] == {}, told
        assert told["checked"] >= SUBSCRIBERS

    seconds = interleaved(RUNS, {"ours": ours, "bare": partial(_compare, database)})
    grown = max(_peak_megabytes() - before, 0.1)
    return [
        measure("reconciliation", number / seconds["ours"], number / seconds["bare"], 0.5,
                unit="rows/s", note=f"{SUBSCRIBERS:,} subscribers, against EXCEPT ALL both ways",
                less_is_better=False),
        measure("reconciliation-memory", grown, MEGABYTES, 1.0, unit="MB",
                note="what the process grew by, meanwhile"),
    ]  # fmt: skip


def _fill(database: Database) -> None:
    """A million logins with the rows they should have."""
    hear(database, package())
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(
            text(
                "INSERT INTO login (username, customer_id, operator_path, access, reason, groupname,"
                " rate, password_sealed, expires_at, generation, access_generation, changed_at)"
                " SELECT 'm' || n, gen_random_uuid(), '1/4/', 'open', 'active', :plan, '1k/1k',"
                " 'v1:' || md5(n::text) || md5(n::text), now() + interval '30 days', 1, 1,"
                " now() - interval '1 hour' FROM generate_series(1, :number) n"
            ),
            {"plan": f"plan:{PACKAGE}", "number": SUBSCRIBERS},
        )
        for table, names in rows.LOGIN_TABLES.items():
            session.execute(
                text(f"INSERT INTO {table} ({names}) SELECT {names} FROM desired_{table}"
                     " WHERE username LIKE 'm%'")
            )  # fmt: skip
    with database.transaction() as session:
        session.execute(text("ANALYZE"))


def _compare(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SET LOCAL work_mem = '256MB'"))
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for table, names in rows.LOGIN_TABLES.items():
            wanted, found = f"SELECT {names} FROM desired_{table}", f"SELECT {names} FROM {table}"
            both = f"({wanted} EXCEPT ALL {found}) UNION ALL ({found} EXCEPT ALL {wanted})"
            assert session.scalar(text(f"SELECT count(*) FROM ({both}) AS drift")) == 0


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _batches(items: list[Item]) -> list[list[Item]]:
    return [items[at : at + BATCH] for at in range(0, len(items), BATCH)]


def _timed(work: list[Callable[[], object]]) -> float:
    """Seconds until two threads have done it side by side."""
    threads = [
        threading.Thread(target=lambda mine: [one() for one in mine], args=[work[place::THREADS]])
        for place in range(THREADS)
    ]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - began
