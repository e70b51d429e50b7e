"""The worker role: hears events, runs jobs, and does what the clock asks for."""

from __future__ import annotations

from payments import erasure, pipeline
from payments.jobs import kinds
from payments.leftovers import BOOKS
from payments.schedule import SCHEDULE
from payments.settings import PaymentsSettings
from payments.subscriptions import SUBSCRIPTIONS
from payments.tasks import WORK
from shared import tombstones
from shared.leftovers import search_due
from shared.timers import Timer
from shared.worker import Worker


def build(settings: PaymentsSettings) -> Worker:
    worker = Worker(settings, SUBSCRIPTIONS, kinds(settings))
    for name, seconds in SCHEDULE.items():
        _register(worker, settings, name, seconds)
    of_the_file = erasure.of_the_file(settings)
    worker.timers.append(
        Timer(
            "tombstones",
            tombstones.SECONDS,
            lambda: tombstones.catch_up(worker.database, settings, of_the_file),
        )
    )
    # A payer looks at the page meanwhile; each gateway has a clock of its own, so that one which
    # hangs holds up no other.
    worker.timers += [
        Timer(f"gateway {turn.gateway.name}", 0.25, turn)
        for turn in pipeline.turns(worker.database, settings)
    ]
    worker.timers.append(Timer("leftovers", 1, lambda: _search(worker, settings)))
    return worker


def _search(worker: Worker, settings: PaymentsSettings) -> int:
    return search_due(worker.database, settings.service, BOOKS, settings.secret_key)


def _register(worker: Worker, settings: PaymentsSettings, name: str, seconds: float) -> None:
    """As a task, which beat rings for, and as a timer, the certainty behind beat."""

    @worker.app.task(name=name, ignore_result=True)
    def ring() -> None:
        WORK[name](worker.database, settings)

    worker.timers.append(Timer(name.removeprefix("payments."), seconds, ring))
