"""A batch of a million recharge cards: PINs drawn, digests stored, the sealed file written and synced.

The floor of `cards-million` is COPY of the very rows that the batch left, from memory, into a table with
the same indexes and checks: no PIN, no digest, no file, no row-level security. `cards-memory` is what
making them adds to the process at most, with a budget of 32 MB.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from payments.cards.making import making
from payments.cards.sealed_file import new_lock
from payments.persistence import cards
from payments.settings import DATABASE, MIGRATIONS, SERVICE, PaymentsSettings
from shared.database import Database
from shared.migrating import migrate
from tests.bench import Measure, measure
from tests.support import databases
from tests.support.servers import start_postgres

NAMES = ("cards-million", "cards-memory")
CARDS, RUNS, BUDGET_MB = 1_000_000, 3, 32.0
# Drawing, digesting and sealing the PINs comes on top: 24 s beside 13 s of COPY on two busy cores.
TO_COPY = 0.4

# A fresh process: the highest memory that one ever had cannot be taken back.
MAKE_AND_WEIGH = """
import sys
from pathlib import Path
from tests.bench.cards import make

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

before = memory("VmRSS")
print(make(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
print(memory("VmHWM") - before)
"""


def measures(names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            found = measures_of(server.url, Path(folder))
        finally:
            server.stop()
    return [one for one in found if one.name in names]


def measures_of(url: str, folder: Path) -> list[Measure]:
    """The same on a server that runs already; the files go to `folder`."""
    fresh = databases.fresh(_settings(url, folder), lambda s: migrate(s, MIGRATIONS))
    database = Database(fresh)
    name = str(fresh.database_url.database)
    ours, floors, peaks = [], [], []
    try:
        for _ in range(RUNS):
            batch = _order(database)
            said = subprocess.check_output(
                [sys.executable, "-c", MAKE_AND_WEIGH, url, str(folder), f"{name} {batch}"],
                text=True,
            )
            seconds, peak = said.split()
            ours.append(float(seconds))
            peaks.append(int(peak) / 1024)
            floors.append(_copied(database, batch))
    finally:
        database.close()
    note = f"{CARDS:,} cards; floor: COPY of their rows"
    return [
        measure(NAMES[0], median(ours), median(floors), TO_COPY, note=note),
        measure(NAMES[1], max(peaks), BUDGET_MB, 1.0, unit="MB", note="floor: the budget"),
    ]


def make(url: str, folder: Path, which: str) -> float:
    """Seconds for the batch named by database and id, as the worker's job makes it."""
    name, batch = which.split()
    read = _settings(url, folder, name)
    database = Database(read)
    job: Any = SimpleNamespace(params={"batch_id": batch})
    whole = making(read).whole
    assert whole is not None
    started = perf_counter()
    whole(database, job, lambda _done: None)
    seconds = perf_counter() - started
    database.close()
    return seconds


def _settings(url: str, folder: Path, name: str = DATABASE) -> PaymentsSettings:
    return databases.read_settings(
        SERVICE, name, PaymentsSettings, url, folder, "redis://127.0.0.1:1/0"
    )


def _order(database: Database) -> UUID:
    batch = uuid7()
    salt, public_key = new_lock("correct horse battery staple")
    with database.transaction() as session:
        cards.add_batch(
            session,
            {
                "id": batch, "operator_path": "1/", "operator_id": UUID(int=1), "size": CARDS,
                "value": 500, "currency": "BDT", "commission": 0, "created_by": "bench",
                "expires_at": datetime.now(UTC) + timedelta(days=365), "salt": salt,
                "public_key": public_key,
            },
        )  # fmt: skip
    return batch


def _copied(database: Database, batch: UUID) -> float:
    """Seconds for COPY of the batch's rows into another table of the same make."""
    columns = "serial, batch_id, operator_path, pin_digest"
    with database.engine.connect() as connection:
        for statement in (
            "RESET ROLE", "SET statement_timeout = 0", "DROP TABLE IF EXISTS copied",
            "CREATE TABLE copied (LIKE recharge_card INCLUDING ALL)",
        ):  # fmt: skip
            connection.execute(text(statement))
        # What other batches left stands in its indexes too, as in ours.
        connection.execute(
            text("INSERT INTO copied SELECT * FROM recharge_card WHERE batch_id <> :id"),
            {"id": batch},
        )
        connection.commit()
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            wanted = (
                f"COPY (SELECT {columns} FROM recharge_card WHERE batch_id = '{batch}') TO STDOUT"
            )
            with cursor.copy(wanted) as copy:
                rows = b"".join(copy)
            started = perf_counter()
            with cursor.copy(f"COPY copied ({columns}) FROM STDIN") as copy:
                copy.write(rows)
            driver.commit()
            seconds = perf_counter() - started
        connection.execute(text("DROP TABLE copied"))
        connection.commit()
        connection.invalidate()
    return seconds
