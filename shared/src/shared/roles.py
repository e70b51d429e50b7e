"""The roles of a service as commands: `python -m NAME web|worker|relay|beat|migrate`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_ready

from shared import inbox, jobs, logs, operations
from shared.database import Database
from shared.events import TYPES, Wire
from shared.inbox import Subscriptions
from shared.jobs import Jobs
from shared.messaging import celery_app, queues, ring
from shared.settings import Settings
from shared.timers import Timer, Timers, Watchdog
from shared.tokens import service_token

Command = Callable[[list[str]], None]


def main(service: str, commands: Mapping[str, Command]) -> None:
    """Run the command named by the first argument."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in commands:
        sys.exit(f"usage: python -m {service.replace('-', '_')} {'|'.join(commands)}")
    logs.configure(service, arguments[0])
    commands[arguments[0]](arguments[1:])


def serve(settings: Settings, target: str) -> None:
    """The web role: granian with one process, threads bounded by what the database pool gives."""
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        target,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.pool_size,
        backlog=256,
        log_access=False,
        factory=True,
    ).serve()


class Worker:
    """What the worker role of every service is made of; a service adds its tasks and timers."""

    def __init__(self, settings: Settings, subscriptions: Subscriptions, kinds: Jobs) -> None:
        self.settings, self.subscriptions, self.kinds = settings, subscriptions, kinds
        self.database = Database(settings)
        self.app = celery_app(settings)
        self.watchdog = Watchdog(self.database, settings.redis_url, queues(settings.service)[:1])
        self.timers = [
            Timer("watchdog", 2, self.watchdog.watch),
            Timer("jobs", 5, self.run_jobs),
            Timer("seal", 1, self.seal),
            *(
                Timer(f"feed {source}", settings.feed_interval, self._walker(source))
                for source in sorted(self._sources())
            ),
        ]
        self._register()

    def _sources(self) -> set[str]:
        heard = {k for k, v in TYPES.items() if self.settings.service in v.heard_by}
        return {SOURCES[kind.split(".")[0]] for kind in heard} | EXTRA.get(
            self.settings.service, set()
        )

    def _register(self) -> None:
        service = self.settings.service

        @self.app.task(name=f"{service}.hear", ignore_result=True)
        def hear(source: str, batch: list[Wire]) -> None:
            self.ring(inbox.take(self.database, self.subscriptions, source, batch))

        @self.app.task(name=f"{service}.run_jobs", ignore_result=True)
        def run_jobs() -> None:
            self.run_jobs()

    def ring(self, rings: inbox.Rings) -> None:
        for task, args in rings:
            ring(self.app, task, *args)

    def run_jobs(self) -> None:
        jobs.run_due(self.database, self.kinds)

    def seal(self) -> None:
        with self.database.transaction() as session:
            operations.seal(session)

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
        """Consume until SIGTERM; `--queues a,b` narrows what this worker takes."""
        timers = Timers(self.timers)
        setup_logging.connect(lambda **_: None, weak=False)
        worker_ready.connect(lambda **_: timers.start(), weak=False)
        task_prerun.connect(self._begin, weak=False)
        task_postrun.connect(self._end, weak=False)
        chosen = arguments[1] if arguments[:1] == ["--queues"] else ",".join(self.all_queues)
        self.app.worker_main(
            ["worker", "--pool=threads", "--concurrency=4", "--without-gossip",
             "--without-mingle", "--without-heartbeat", f"--queues={chosen}", "--loglevel=WARNING"]
        )  # fmt: skip

    @property
    def all_queues(self) -> list[str]:
        return [queue.name for queue in self.app.conf.task_queues]

    def _begin(self, **_: object) -> None:
        self.watchdog.busy += 1
        self.watchdog.progress()

    def _end(self, **_: object) -> None:
        self.watchdog.busy -= 1
        self.watchdog.progress()


def beat(app: Celery) -> None:
    """The clock role. Any number may run: ticks are unique per slot."""
    app.Beat(loglevel="WARNING").run()


# Who is the source of an event, by the first part of its type.
SOURCES = {
    "customer": "customers",
    "package": "customers",
    "operator": "customers",
    "api_key": "customers",
    "payment": "payments",
    "bill": "payments",
    "account": "payments",
    "access": "radius-sync",
    "session": "radius-sync",
    "erasure": "payments",
}
# Receipts come from both services that hold data of a customer.
EXTRA = {"customers": {"customers", "payments", "radius-sync"}}
