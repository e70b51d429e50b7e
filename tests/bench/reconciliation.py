"""A million subscribers compared with their rows, and a hundred thousand provisioned for the first time.

The floor of comparing is PostgreSQL's own `EXCEPT ALL` both ways over the same rows; of provisioning,
the bare insertion of the rows that follow, in the same batches by the same two threads.
"""

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import text

from radius_sync import reconciling, rows
from radius_sync.installation import migrate
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.bench import Measure, interleaved, measure
from tests.radius_sync.facts import PACKAGE, customer, hear, package
from tests.support.databases import fresh, read_settings
from tests.support.servers import start_postgres

Item = TypeVar("Item")

NAMES = ("provisioning-100k", "reconciliation", "reconciliation-memory")
SUBSCRIBERS, RUNS = 1_000_000, 2
NEW, BATCH, THREADS = 100_000, 500, 2
# What Python and a page of drift take; a million logins held in memory would be a gigabyte.
MEGABYTES = 64.0


def measures(names: tuple[str, ...]) -> list[Measure]:
    with site() as (settings, database):
        found = [_provisioning(database)] if NAMES[0] in names else []
        if set(names) & set(NAMES[1:]):
            found += [one for one in _reconciliation(settings, database) if one.name in names]
        return found


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
            database.engine.dispose()
            server.stop()


def _provisioning(database: Database) -> Measure:
    hear(database, package())
    logins = [f"new{number}" for number in range(NEW)]
    told = [customer(name, uuid4()) for name in logins]
    facts = _timed([partial(hear, database, *batch) for batch in _batches(told)])
    with database.transaction() as session:
        session.execute(text("SET LOCAL ROLE none"))
        session.execute(text("ANALYZE"))
        for table, names in rows.LOGIN_TABLES.items():
            session.execute(
                text(f"CREATE UNLOGGED TABLE kept_{table} AS SELECT {names} FROM {table}")
            )
            session.execute(text(f"CREATE INDEX ON kept_{table} (username)"))
            session.execute(text(f"TRUNCATE {table}"))
    bare = _timed([partial(_insert, database, batch) for batch in _batches(logins)])
    with database.transaction() as session:
        session.execute(text("SET LOCAL ROLE none"))
        for table in rows.LOGIN_TABLES:
            session.execute(text(f"DROP TABLE kept_{table}"))
    return measure(
        "provisioning-100k", NEW / facts, NEW / bare, 0.5, unit="customers/s",
        note="new customers' facts and rows, against inserting the rows", less_is_better=False,
    )  # fmt: skip


def _insert(database: Database, logins: list[str]) -> None:
    with database.transaction() as session:
        for table, names in rows.LOGIN_TABLES.items():
            session.execute(
                text(f"INSERT INTO {table} ({names}) SELECT {names} FROM kept_{table}"
                     " WHERE username = ANY(:logins)"), {"logins": logins},
            )  # fmt: skip


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
