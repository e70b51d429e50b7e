"""What every worker does by its own clock, with Redis or without: walk feeds, sweep due work, beat.

Also the watchdog: a worker that has messages waiting and makes no progress ends itself, and its
supervisor starts a new one (reference reliability 1.3: a stalled worker looks healthy from outside).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from shared import pulse
from shared.database import Database
from shared.logs import logger

log = logger("timers")
# Three times the longest wait on a dead socket (5 s): shorter would shoot healthy workers.
STALLED_AFTER = 15.0
# A service that is away for an hour is one fault, not 1,800 lines.
TOLD_AGAIN = 60.0
# A chunk of a job takes below a second; supervisors give a role ten.
STOP_SECONDS = 5.0


@dataclass
class Timer:
    name: str
    interval: float
    work: Callable[[], object]


@dataclass
class Failing:
    """Says that a timer fails at its first failure, then once a minute, and when it is over."""

    timer: str
    told: float | None = None

    def failed(self, error: Exception) -> None:
        now = time.monotonic()
        if self.told is None or now - self.told >= TOLD_AGAIN:
            self.told = now
            log.warning("timer.failed", timer=self.timer, error=repr(error)[:300])

    def worked(self) -> None:
        if self.told is not None:
            self.told = None
            log.info("timer.recovered", timer=self.timer)


@dataclass
class Timers:
    """Each timer has a thread, so that a slow feed does not hold up the sweep of disconnects."""

    timers: list[Timer]
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        # Daemons: a walk of a feed that hangs must not keep the process alive.
        self.threads = [
            threading.Thread(target=self._run, args=[timer], name=timer.name, daemon=True)
            for timer in self.timers
        ]
        for thread in self.threads:
            thread.start()

    def stop(self, grace: float = STOP_SECONDS) -> None:
        """Let them finish their round: what is in the middle of a job lets go of it."""
        self.stopping.set()
        until = time.monotonic() + grace
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, timer: Timer) -> None:
        failing = Failing(timer.name)
        while not self.stopping.is_set():
            try:
                timer.work()
                failing.worked()
            except Exception as error:
                # The next round tries again; what is due stays due in PostgreSQL.
                failing.failed(error)
            self.stopping.wait(timer.interval)


class Watchdog:
    """`began()` and `ended()` are called by every task; `watch()` by a timer.

    `queues` are those this worker takes: messages in another one are no reason to end it.
    """

    def __init__(self, database: Database, redis_url: str, queues: tuple[str, ...]) -> None:
        self.database, self.queues = database, queues
        self.redis = Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2)
        self.name = f"{queues[0]}@{socket.gethostname()}:{os.getpid()}"
        self.progressed = time.monotonic()
        self.busy = 0
        self.lock = threading.Lock()

    def began(self) -> None:
        with self.lock:
            self.busy += 1
        self.progress()

    def ended(self) -> None:
        with self.lock:
            self.busy -= 1
        self.progress()

    def progress(self) -> None:
        self.progressed = time.monotonic()

    def watch(self) -> None:
        idle = time.monotonic() - self.progressed
        if self._waiting() == 0:
            self.progress()
        elif idle > STALLED_AFTER and self.busy == 0:
            log.error("watchdog.stalled", worker=self.name, seconds=round(idle))
            os._exit(70)
        with self.database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO worker_heartbeat (name) VALUES (:name) ON CONFLICT (name)"
                    " DO UPDATE SET at = now(), progressed_at = now() - :idle * interval '1 second'"
                ),
                {"name": self.name, "idle": idle},
            )
            # A worker that has been gone for a day is history, not a fault.
            session.execute(
                text("DELETE FROM worker_heartbeat WHERE at < now() - interval '1 day'")
            )
        pulse.show()

    def _waiting(self) -> int:
        try:
            return sum(int(self.redis.llen(queue)) for queue in self.queues)
        except RedisError:
            return 0
