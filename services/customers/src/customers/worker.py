"""The worker role: events heard, jobs, and what the clock asks for."""

from __future__ import annotations

from celery import Celery

from customers import erasing_tasks, lapsing, tasks
from customers.erasing_subscriptions import SUBSCRIPTIONS
from customers.jobs import kinds
from customers.settings import Settings
from shared.messaging import celery_app
from shared.roles import Worker
from shared.timers import Timer


def build(settings: Settings) -> Worker:
    worker = Worker(settings, SUBSCRIPTIONS, kinds(settings))
    tasks.register(worker)
    erasing_tasks.register(worker)
    worker.timers.append(
        Timer("lapse", tasks.LAPSE_SECONDS, lambda: lapsing.sweep(worker.database))
    )
    return worker


def clock(settings: Settings) -> Celery:
    """Beat's application: the schedule, and nothing of the work."""
    app = celery_app(settings)
    app.conf.beat_schedule = tasks.SCHEDULE | erasing_tasks.SCHEDULE
    return app
