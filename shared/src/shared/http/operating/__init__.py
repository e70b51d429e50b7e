"""What every service answers beside its own routes: health, metrics, the event feed, dead letters,
jobs, the operations log and what is held on a person."""

from shared.http.blueprint import Blueprint
from shared.http.operating import (
    dead_letters,
    feed,
    health,
    job_routes,
    operation_log,
    subject_data,
)
from shared.http.operating.job_routes import JobSchema, accepted, job_body

__all__ = ["JobSchema", "accepted", "blueprints", "job_body"]


def blueprints() -> list[Blueprint]:
    return [
        health.blueprint,
        feed.blueprint,
        dead_letters.blueprint,
        job_routes.blueprint,
        operation_log.blueprint,
        subject_data.blueprint,
    ]
