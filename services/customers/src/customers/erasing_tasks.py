"""Erasure and retention by clock and queue: the doorbell is quick, the timers are the certainty."""

from __future__ import annotations

from customers import certifying, erasure_saga, filing, importing, purging, retention
from customers.exporting import RESOURCES
from customers.settings import Settings
from shared import exporting
from shared.database import Database
from shared.ticks import tick, tick_outside
from shared.timers import Timer
from shared.worker import Worker

# Nobody waits for an erasure by the second; a look is two probes of partial indexes.
ADVANCE_SECONDS = 1
CERTIFY_SECONDS = 1
# The purge is done once a day; who looks hourly costs an hour at most when beat or a worker was away.
LOOK_SECONDS = 3600
EXPORT_SECONDS = 600


def purge(database: Database) -> None:
    """Once a day; then say so when it has not been done for too long."""
    tick_outside(database, retention.PURGE, retention.DAY, lambda: purging.purge(database))
    retention.watch(database)


def remove_exports(database: Database, settings: Settings) -> None:
    tick(
        database,
        "customers.exports",
        EXPORT_SECONDS,
        lambda session: {
            **exporting.remove_expired(session, settings),
            "imports": importing.remove_expired(session),
        },
    )


def register(worker: Worker, settings: Settings) -> None:
    database = worker.database

    @worker.app.task(name="customers.advance_erasures", ignore_result=True)
    def advance() -> None:
        erasure_saga.advance(database, settings, RESOURCES)

    @worker.app.task(name="customers.purge", ignore_result=True)
    def purged() -> None:
        purge(database)

    @worker.app.task(name="customers.remove_exports", ignore_result=True)
    def removed() -> None:
        remove_exports(database, settings)

    worker.timers += [
        Timer("erasures", ADVANCE_SECONDS, advance),
        Timer("tombstones", CERTIFY_SECONDS, lambda: filing.file_due(database, settings)),
        # Apart: the search for leftovers may take minutes, and no claim shall wait for it.
        Timer(
            "certificates",
            CERTIFY_SECONDS,
            lambda: certifying.certify_due(database, settings),
        ),
        Timer("purge", LOOK_SECONDS, lambda: purge(database)),
        Timer("exports", EXPORT_SECONDS, lambda: remove_exports(database, settings)),
    ]
