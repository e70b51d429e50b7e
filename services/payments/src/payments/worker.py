"""The worker role: hears events, runs jobs, marks bills overdue, proves the ledger at night."""

from __future__ import annotations

from payments import pipeline, tasks
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from payments.subscriptions import SUBSCRIPTIONS
from shared.timers import Timer
from shared.worker import Worker


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
        # A payer looks at the page meanwhile; each gateway has a clock of its own, so that one which
        # hangs holds up no other.
        *(
            Timer(f"gateway {turn.gateway.name}", 0.25, turn)
            for turn in pipeline.turns(worker.database, settings)
        ),
    ]
    return worker
