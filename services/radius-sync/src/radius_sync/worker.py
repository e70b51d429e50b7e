"""The worker role: hears events, provisions, disconnects, reconciles."""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery

from radius_sync import disconnecting, housekeeping, targets, tasks, watching
from radius_sync.jobs import jobs
from radius_sync.leftovers import BOOKS
from radius_sync.reconciling.newcomers import Newcomers
from radius_sync.scanning import refuse_executable_values
from radius_sync.settings import Settings
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared import tombstones
from shared.database import Database
from shared.leftovers import search_due
from shared.timers import Timer
from shared.worker import Worker


def build(settings: Settings) -> Worker:
    worker = Worker(settings, SUBSCRIPTIONS, jobs(settings))
    database = worker.database
    sender = disconnecting.Sender(database, settings.secret_key)
    work = {
        "radius-sync.disconnect": sender.kick,
        "radius-sync.reconcile": lambda: tasks.reconcile(database, settings),
        "radius-sync.close_stale_sessions": lambda: tasks.close_stale_sessions(database),
        "radius-sync.usage": lambda: tasks.count_usage(database, settings),
        "radius-sync.archive": lambda: tasks.archive(database, settings),
        "radius-sync.clean": lambda: housekeeping.clean(database),
    }
    for name, call in work.items():
        _task(worker.app, name, call)
    # A person waits for the cut: the way through Redis would take a third of delete → Disconnect-ACK.
    worker.at_hand["radius-sync.disconnect"] = sender.kick
    worker.timers += [
        # 1 s is how late a disconnect may be with Redis down.
        Timer("disconnect", 1, sender.kick),
        Timer("newcomers", 1, Newcomers(database).look),
        Timer("recheck", 1, lambda: tasks.recheck(database)),
        Timer("sweep", 1, lambda: tasks.sweep(database)),
        Timer("close", 1, lambda: tasks.close(database, settings)),
        Timer("leftovers", 1, lambda: _search(database, settings)),
        Timer("targets", 1, targets.Copier(database, settings.secret_key).kick),
        # Asked every 10 s; those are counted in the rows.
        Timer("status", 2, watching.Watcher(database, settings.secret_key).kick),
        # With no beat the ticks come from here; they are unique per slot.
        Timer("reconcile", 20, lambda: tasks.reconcile(database, settings)),
        Timer("usage", 60, lambda: tasks.count_usage(database, settings)),
        Timer("tombstones", tombstones.SECONDS, lambda: tasks.read_tombstones(database, settings)),
    ]
    return worker


def _search(database: Database, settings: Settings) -> int:
    return search_due(database, settings.service, BOOKS, settings.secret_key)


def _task(app: Celery, name: str, call: Callable[[], object]) -> None:
    # Celery compiles a function of the same name, which a lambda does not have.
    @app.task(name=name, ignore_result=True)
    def rung() -> None:
        call()


def run(settings: Settings, arguments: list[str]) -> None:
    worker = build(settings)
    with worker.database.transaction() as session:
        refuse_executable_values(session)
    worker.run(arguments)
