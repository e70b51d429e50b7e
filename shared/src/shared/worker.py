"""What the worker role of every service is made of: Celery's consumer, and timers beside it."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from collections.abc import Callable

from celery.signals import (
    setup_logging,
    task_postrun,
    task_prerun,
    worker_ready,
    worker_shutting_down,
)

from shared import answers, inbox, jobs, operations
from shared.database import Database
from shared.events import sources
from shared.garbage import keep_what_is_loaded
from shared.inbox import Subscriptions
from shared.jobs import Jobs
from shared.messaging import celery_app, queues, ring
from shared.settings import Settings
from shared.timers import Timer, Timers, Watchdog
from shared.tokens import service_token

# Every supervisor gives a role ten seconds before it kills.
LAST_RESORT_SECONDS = 8.0


class Worker:
    """What the worker role of every service is made of; a service adds its tasks and timers."""

    def __init__(self, settings: Settings, subscriptions: Subscriptions, kinds: Jobs) -> None:
        self.settings, self.subscriptions, self.kinds = settings, subscriptions, kinds
        # Set by SIGTERM: long work lets go between two chunks, and another worker goes on.
        self.stopping = threading.Event()
        self.database = Database(settings)
        self.app = celery_app(settings)
        # What this worker does at once when it is rung for: no way through Redis and back.
        self.at_hand: dict[str, Callable[[], None]] = {}
        self.watchdog = Watchdog(self.database, settings.redis_url, queues(settings.service))
        self.timers = [
            Timer("watchdog", 2, self.watchdog.watch),
            Timer("jobs", 5, self.run_jobs),
            Timer("seal", 1, self.seal),
            # Kept for days: an hour more is only weight.
            Timer("answers", 3600, lambda: answers.forget_old(self.database)),
            *(
                Timer(f"feed {source}", settings.feed_interval, self._walker(source))
                for source in sources(settings.service)
            ),
        ]
        self._register()

    def _register(self) -> None:
        service = self.settings.service

        @self.app.task(name=f"{service}.hear", ignore_result=True)
        def hear(source: str, arrays: dict[str, str]) -> None:
            self.ring(inbox.take_message(self.database, self.subscriptions, source, arrays))

        @self.app.task(name=f"{service}.run_jobs", ignore_result=True)
        def run_jobs() -> None:
            self.run_jobs()

    def ring(self, rings: inbox.Rings) -> None:
        for task, args in rings:
            if task in self.at_hand:
                self.at_hand[task]()
            else:
                ring(self.app, task, *args)

    def run_jobs(self) -> None:
        jobs.run_due(self.database, self.kinds, self.stopping)

    def seal(self) -> None:
        """Until nothing is left: after bulk work a single round would lag behind for minutes."""
        sealed = operations.SEALED_AT_ONCE
        while sealed == operations.SEALED_AT_ONCE and not self.stopping.is_set():
            with self.database.transaction() as session:
                sealed = operations.seal(session)

    def _walker(self, source: str) -> Callable[[], None]:
        def walk() -> None:
            _, rings = inbox.walk(
                self.database,
                self.subscriptions,
                source,
                self.settings.urls[source],
                lambda: service_token(self.settings.service, self.settings.service_secret),
            )
            self.ring(rings)

        return walk

    def run(self, arguments: list[str]) -> None:
        """Consume until SIGTERM; `--queues a,b` narrows what this worker takes.

        The clock starts before Celery does: Celery waits for Redis, what is due does not.
        """
        parser = argparse.ArgumentParser(prog=f"{self.settings.service} worker")
        parser.add_argument("--queues", default=",".join(self.all_queues))
        chosen: str = parser.parse_args(arguments).queues
        self.watchdog.queues = tuple(chosen.split(","))
        timers = Timers(self.timers, self.stopping)
        setup_logging.connect(lambda **_: None, weak=False)
        worker_shutting_down.connect(lambda **_: self._begin_to_stop(), weak=False)
        worker_ready.connect(lambda **_: keep_what_is_loaded(), weak=False)
        task_prerun.connect(lambda **_: self.watchdog.began(), weak=False)
        task_postrun.connect(lambda **_: self.watchdog.ended(), weak=False)
        for asked in (signal.SIGTERM, signal.SIGQUIT):
            # Until Celery's own handlers stand, which takes it seconds on a busy machine.
            signal.signal(asked, lambda *_: self._stop_early(timers))
        timers.start()
        # Threads: what they wait for is PostgreSQL; four take more than one PostgreSQL core gives.
        try:
            self.app.worker_main(
                ["worker", "--pool=threads", "--concurrency=4", "--without-gossip",
                 "--without-mingle", "--without-heartbeat", f"--queues={chosen}",
                 "--loglevel=WARNING"]
            )  # fmt: skip
        finally:
            timers.stop()

    def _begin_to_stop(self) -> None:
        """Celery's orderly end may wait for a dead broker; what is not done in time is done again."""
        self.stopping.set()
        last_resort = threading.Timer(LAST_RESORT_SECONDS, os._exit, [0])
        last_resort.daemon = True
        last_resort.start()

    def _stop_early(self, timers: Timers) -> None:
        timers.stop()
        # Not SystemExit: within the imports and retries of Celery's start it gets lost.
        os._exit(0)

    @property
    def all_queues(self) -> list[str]:
        return [queue.name for queue in self.app.conf.task_queues]
