"""Prometheus metrics of a service. Labels are bounded: never a person, a login or a phone."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Gauge, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.orm import Session

REQUESTS = Histogram(
    "tenure_http_request_duration_seconds",
    "Time to answer a request",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
PENDING = Gauge("tenure_outbox_pending", "Events that wait for the relay", ["service"])
OLDEST = Gauge("tenure_outbox_oldest_age_seconds", "Age of the oldest of them", ["service"])
DEAD = Gauge("tenure_dead_letters", "Events that a subscriber could not take", ["service"])
JOBS = Gauge("tenure_jobs", "Jobs by state", ["service", "state"])
# Workers, relays and beats have no port: what they leave in PostgreSQL says how they are.
WORKERS = Gauge("tenure_workers", "Workers that gave a sign of life in the last 15 s", ["service"])
PROGRESS = Gauge(
    "tenure_worker_idle_seconds",
    "How long messages have waited for the idlest of them",
    ["service"],
)
TICKED = Gauge(
    "tenure_tick_age_seconds", "Since work of the clock was last done", ["service", "work"]
)
TOMBSTONES_LOST = Gauge(
    "tenure_tombstones_lost",
    "1: the file of tombstones was missing, cut off or another one within a day",
    ["service"],
)
# Said in more than one place: what reckons days otherwise than the rest is an alarm.
TIME_ZONE = Gauge(
    "tenure_time_zone", "1: the time zone of the environment, the settings or the calendar",
    ["service", "of", "zone"],
)  # fmt: skip
# The extension of an application that sets the service's own gauges.
SAMPLER = "tenure.sampler"
Sampler = Callable[[Session], None]

_STATE = text(
    "SELECT (SELECT count(*) FROM outbox_unsent), coalesce((SELECT extract(epoch FROM now() -"
    "  o.occurred_at) FROM outbox_unsent u JOIN outbox o USING (id) ORDER BY u.position LIMIT 1), 0),"
    " (SELECT count(*) FROM dead_letter WHERE state = 'dead'),"
    # After a day a loss is history; until then it is an alarm.
    " coalesce((SELECT lost_at > now() - interval '1 day' FROM tombstones_read), false),"
    " w.alive, w.idle FROM (SELECT count(*) AS alive,"
    "  coalesce(max(extract(epoch FROM at - progressed_at)), 0) AS idle"
    "  FROM worker_heartbeat WHERE at > now() - interval '15 seconds') w"
)
_TICKED = text(
    "SELECT name, extract(epoch FROM now() - max(finished_at)) FROM tick"
    " WHERE finished_at IS NOT NULL GROUP BY name"
)


def exposition(
    service: str, session: Session, sample: Sampler | None = None, *, time_zone: str | None = None
) -> bytes:
    TIME_ZONE.clear()
    if time_zone is not None:
        TIME_ZONE.labels(service, "environment", time_zone).set(1)
    pending, oldest, dead, lost, alive, idle = session.execute(_STATE).one()
    PENDING.labels(service).set(pending)
    OLDEST.labels(service).set(float(oldest))
    DEAD.labels(service).set(dead)
    TOMBSTONES_LOST.labels(service).set(lost)
    WORKERS.labels(service).set(alive)
    PROGRESS.labels(service).set(float(idle))
    for work, age in session.execute(_TICKED):
        TICKED.labels(service, work).set(float(age))
    for state, number in session.execute(
        text("SELECT state, count(*) FROM job WHERE state IN ('queued', 'running') GROUP BY state")
    ):
        JOBS.labels(service, state).set(number)
    if sample is not None:
        sample(session)
    return generate_latest()
