"""Erasure by clock and queue: the doorbell is quick, the timers are the certainty."""

from __future__ import annotations

from customers import certificates, erasure_saga
from customers.exporting import RESOURCES
from shared.roles import Worker
from shared.timers import Timer

# Nobody waits for an erasure by the second; a look is two probes of partial indexes.
ADVANCE_SECONDS = 1
CERTIFY_SECONDS = 1


def register(worker: Worker) -> None:
    database, settings = worker.database, worker.settings

    @worker.app.task(name="customers.advance_erasures", ignore_result=True)
    def advance() -> None:
        erasure_saga.advance(database, settings, RESOURCES)

    worker.timers += [
        Timer("erasures", ADVANCE_SECONDS, advance),
        # Apart: the search for leftovers may take minutes, and no claim shall wait for it.
        Timer(
            "certificates",
            CERTIFY_SECONDS,
            lambda: certificates.certify_due(database, settings),
        ),
    ]
