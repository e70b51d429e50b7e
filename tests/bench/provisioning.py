"""Facts applied by radius-sync, each with about 4 rows of FreeRADIUS' tables rewritten.

The floor is the bare rewriting of the same rows, in the same batches of 500, by the same two
threads: no facts, no derivation, no event. The wish is 10,000 events a second on two quiet cores.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from radius_sync import rows
from radius_sync.installation import migrate
from radius_sync.settings import Settings
from shared.database import Database
from shared.events import Wire
from tests.bench import Measure, interleaved, measure
from tests.radius_sync.facts import customer, hear, package
from tests.support.databases import fresh, read_settings
from tests.support.servers import start_postgres

NAMES = ("provisioning",)
CUSTOMERS, BATCH, THREADS, RUNS = 5_000, 500, 2, 4


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            read = read_settings(
                "radius-sync", "radius", Settings, server.url, Path(folder), "redis://127.0.0.1:1/0"
            )
            return [_measure(Database(replace(fresh(read, migrate), pool_size=THREADS)))]
        finally:
            server.stop()


def _measure(database: Database) -> Measure:
    people = {f"u{number}": uuid4() for number in range(CUSTOMERS)}
    hear(database, package())
    # A hold that comes and goes: each turn changes the access of everybody twice.
    turns = iter([_told(people, holds) for _ in range(RUNS + 1) for holds in (["admin"], [])])

    def facts() -> None:
        _side_by_side([partial(hear, database, *batch) for batch in next(turns)])
        _side_by_side([partial(hear, database, *batch) for batch in next(turns)])

    def bare() -> None:
        _rewrite(database, list(people))
        _rewrite(database, list(people))

    seconds = interleaved(RUNS, {"facts": facts, "rows": bare})
    database.close()
    events = 2 * CUSTOMERS
    return measure(
        "provisioning",
        events / seconds["facts"],
        events / seconds["rows"],
        0.15,
        unit="events/s",
        note="facts applied, against bare rewriting of their rows",
        less_is_better=False,
    )


def _told(people: dict[str, UUID], holds: list[str]) -> list[list[Wire]]:
    told = [customer(name, customer_id, holds=holds) for name, customer_id in people.items()]
    return [told[at : at + BATCH] for at in range(0, len(told), BATCH)]


def _rewrite(database: Database, logins: list[str]) -> None:
    def rewrite(batch: list[str]) -> None:
        with database.transaction() as session:
            rows.rewrite(session, batch)

    batches = [logins[at : at + BATCH] for at in range(0, len(logins), BATCH)]
    _side_by_side([partial(rewrite, batch) for batch in batches])


def _side_by_side(work: list[Callable[[], object]]) -> None:
    threads = [
        threading.Thread(target=lambda mine: [one() for one in mine], args=[work[place::THREADS]])
        for place in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
