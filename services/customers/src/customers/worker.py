"""The worker role: events heard, jobs, and what the clock asks for."""

from __future__ import annotations

from customers import chain_heads, erasing_tasks, lapsing, tasks
from customers.erasing_subscriptions import SUBSCRIPTIONS
from customers.jobs import kinds
from customers.settings import Settings
from customers.webhooks import clock
from shared.timers import Timer
from shared.worker import Worker


def build(settings: Settings) -> Worker:
    worker = Worker(settings, SUBSCRIPTIONS, kinds(settings))
    tasks.register(worker)
    erasing_tasks.register(worker, settings)
    worker.timers += [
        Timer("lapse", tasks.LAPSE_SECONDS, lambda: lapsing.sweep(worker.database)),
        # Once a day; a service that was away is asked again after this.
        Timer("chain heads", 600, lambda: chain_heads.take_due(worker.database, settings)),
        *clock.timers(worker.database, settings),
    ]
    return worker
