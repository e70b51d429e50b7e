"""The worker role: hears events, runs jobs, marks bills overdue, proves the ledger at night."""

from __future__ import annotations

from payments import tasks
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from payments.subscriptions import SUBSCRIPTIONS
from shared.roles import Worker
from shared.timers import Timer


def build(settings: PaymentsSettings) -> Worker:
    worker = Worker(settings, SUBSCRIPTIONS, kinds(settings))

    @worker.app.task(name="payments.mark_overdue", ignore_result=True)
    def mark_overdue() -> None:
        tasks.mark_overdue(worker.database, settings)

    @worker.app.task(name="payments.prove_ledger", ignore_result=True)
    def prove_ledger() -> None:
        tasks.prove_ledger(worker.database)

    @worker.app.task(name="payments.remove_exports", ignore_result=True)
    def remove_exports() -> None:
        tasks.remove_exports(worker.database, settings)

    worker.timers += [
        # The certainty behind beat: a minute is nothing against days of grace.
        Timer("overdue", 60, mark_overdue),
        # Looks whether today's proof was made; with beat running it was.
        Timer("proof", 3600, prove_ledger),
        Timer("exports", 600, remove_exports),
    ]
    worker.app.conf.beat_schedule = {
        # Grace ends at a minute of the day, so look every minute.
        "overdue": {"task": "payments.mark_overdue", "schedule": 60.0},
        # Once per day of the tick; hourly, so that a beat that was away costs an hour.
        "proof": {"task": "payments.prove_ledger", "schedule": 3600.0},
        # A file lives for a day: ten minutes more do not matter, and the look is cheap.
        "exports": {"task": "payments.remove_exports", "schedule": 600.0},
    }
    return worker
