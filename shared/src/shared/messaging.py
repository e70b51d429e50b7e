"""The Celery application, each setting with its reason (reference reliability 1.2 to 1.4).

Redis may lose, double, delay or reorder every message: what a message brings, the feed brings
again, and what it rings for, a timer in each worker does anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from celery import Celery
from kombu import Queue
from kombu.serialization import register
from kombu.transport import redis as redis_transport
from kombu.transport import virtual

from shared.settings import Settings

if TYPE_CHECKING:  # a beat hands nothing over, and starts without the database's libraries
    from shared.outbox import Unsent

JOBS = "jobs"


def _encode(body: Any, **_: Any) -> str:
    return orjson.dumps(body).decode()


# Still JSON on the wire; a message of 500 events takes kombu's own codec five times as long.
register("json", _encode, orjson.loads, "application/json", "utf-8")


def queues(service: str) -> tuple[str, str]:
    """The queue of events heard, and the queue of long work, so that neither waits for the other."""
    return service, f"{service}-{JOBS}"


class QoS(redis_transport.QoS):
    """Counts what a worker has in hand; what Redis was not told of any more is out of hand too.

    kombu keeps counting a message whose acknowledgement failed. When Redis dies in the moment in
    which all threads acknowledge, a worker then holds as many as it may for ever, asks for nothing,
    and never notices that its connection is gone (seen once in some hundred restarts).
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


redis_transport.Channel.QoS = QoS


class App(Celery):
    """Its tasks are its own: Celery's default adds them to every other app of the process too."""

    def task(self, *arguments: Any, **options: Any) -> Any:
        return super().task(*arguments, **{"shared": False, **options})


def celery_app(settings: Settings) -> Celery:
    app = App(settings.service, broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        # A stranger who reaches Redis must not be able to run code: JSON, never pickle.
        accept_content=["json"],
        task_serializer="json",
        # State is in PostgreSQL; a result backend only leaves keys behind that never expire.
        result_backend=None,
        task_ignore_result=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        # A message may be lost at receive whatever this says, so early acknowledgement costs nothing
        # and spares the redelivery of what is still running.
        task_acks_late=False,
        # The threads pool with ordinary prefetch: it recovers from every Redis restart, where an
        # ordinary prefork worker stalls for good (measured, reliability 1.3).
        worker_prefetch_multiplier=1,
        worker_pool="threads",
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A publish to a dead broker must fail soon: the relay tries again, the feed goes on.
        task_publish_retry_policy={
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
        broker_transport_options={
            "visibility_timeout": 60,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        visibility_timeout=60,
        task_queues=[Queue(name) for name in queues(settings.service)],
        task_default_queue=settings.service,
        task_create_missing_queues=True,
        enable_utc=True,
        timezone="UTC",
        # The schedule is code and ticks are rows: a schedule file would be a third truth.
        beat_scheduler="shared.pulse:PulsingScheduler",
        beat_max_loop_interval=5,
    )
    return app


def hand_over(app: Celery, subscriber: str, source: str, parts: Sequence[Unsent]) -> None:
    """One message to the subscriber's queue: JSON arrays by type. Logs name their number only."""
    arrays = {part.type: part.events for part in parts}
    app.send_task(
        f"{subscriber}.hear",
        args=[source, arrays],
        queue=subscriber,
        argsrepr=f"({source}, {sum(part.number for part in parts)} events)",
        # An eighth of the size: that much more fits into Redis while a subscriber is away, and what
        # is compressed need not be wrapped in base64 and JSON at full length.
        compression="zstd",
        ignore_result=True,
    )


def ring(app: Celery, task: str, *args: str, queue: str | None = None) -> None:
    """Ask for work whose data is in PostgreSQL; `args` are ids only. May be lost: a timer follows."""
    app.send_task(task, args=list(args), queue=queue, ignore_result=True)
