"""The relay: one process per service that hands unsent events to Celery queues, in batches.

Any number may run; one works and the others stand by (an advisory lock held by the connection).
It never publishes inside a transaction: a frozen Redis would otherwise hold back the oldest open
transaction, and with it the feed that is the certainty behind this push.
"""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from shared import jobs, outbox, pulse
from shared.database import Database
from shared.garbage import keep_what_is_loaded
from shared.logs import logger
from shared.messaging import celery_app, hand_over, queues, ring
from shared.outbox import Unsent
from shared.settings import Settings

log = logger("relay")
# Up to four messages a look: enough to keep workers busy, little enough to mark in one statement.
LOOK = 2000
# Up to 500 events a message: one transaction of the subscriber takes them set-based in about 30 ms.
BATCH = 500
# How soon after its commit a job is begun; looking is one probe of a partial index.
JOBS_INTERVAL = 0.25


class Relay:
    def __init__(self, settings: Settings, database: Database, app: Celery) -> None:
        self.settings, self.database, self.app = settings, database, app
        self.stopping = False
        self.jobs_rung = 0.0

    def run(self) -> None:
        while not self.stopping:
            pulse.show()
            try:
                self._serve()
            except (DBAPIError, BrokerError, RedisError, OSError) as error:
                log.warning("relay.waits", error=type(error).__name__)
                time.sleep(0.5)

    def _serve(self) -> None:
        with self.database.lock(f"relay:{self.settings.service}") as mine:
            while mine and not self.stopping:
                pulse.show()
                self._ring_for_jobs()
                if not (outbox.waiting(mine) and self.once()):
                    time.sleep(self.settings.relay_interval)
        if not mine:
            time.sleep(1)

    def _ring_for_jobs(self) -> None:
        if time.monotonic() - self.jobs_rung < JOBS_INTERVAL:
            return
        self.jobs_rung = time.monotonic()
        with self.database.transaction() as session:
            due = jobs.due(session)
        if due:
            service = self.settings.service
            ring(self.app, f"{service}.run_jobs", queue=queues(service)[1])
            self.jobs_rung += 1

    def once(self) -> int:
        """Hand over what is unsent now; the number of events handed over."""
        with self.database.transaction() as session:
            found = outbox.unsent(session, self.settings.service, LOOK, BATCH)
        if found:
            for subscriber, parts in _messages(found):
                hand_over(self.app, subscriber, self.settings.service, parts)
            with self.database.transaction() as session:
                outbox.mark_sent(session, found)
        return sum(part.number for part in found)


def _messages(found: Sequence[Unsent]) -> list[tuple[str, list[Unsent]]]:
    """For each subscriber what it hears of each message."""
    heard: dict[tuple[str, int], list[Unsent]] = defaultdict(list)
    for part in found:
        for subscriber in outbox.HEARD.get(part.type, ()):
            heard[subscriber, part.message].append(part)
    return [(subscriber, parts) for (subscriber, _), parts in heard.items()]


def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    relay = Relay(settings, Database(settings), celery_app(settings))

    def stop(*_: object) -> None:
        relay.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    keep_what_is_loaded()
    relay.run()
