"""Alive, ready, and how it is doing. Open to anybody: nothing here names a customer."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, current_app
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared import metrics
from shared.http.authentication import public
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, database
from shared.tombstones import OlderThanTombstones

blueprint = Blueprint("health", __name__, description="Is it alive, is it ready, how is it doing")


class AliveSchema(ma.Schema):
    status = ma.fields.String(required=True)


class ReadySchema(AliveSchema):
    checks = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Boolean(), required=True,
        metadata={"description": "Redis is reported, not needed"},
    )  # fmt: skip


@blueprint.get("/livez")
@blueprint.response(200, AliveSchema)
@public
def livez() -> Any:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.response(200, ReadySchema)
@blueprint.alt_response(
    503, schema=ReadySchema,
    description="PostgreSQL does not answer, or its database was restored from before an erasure"
    " (`tombstones`)",
)  # fmt: skip
@public
def readyz() -> Any:
    """PostgreSQL answers, and nobody erased is back. Redis is reported, not needed: events go by the
    feed without it."""
    checks = {**_database_answers(), "redis": _redis_answers()}
    ready = checks["database"] and checks["tombstones"]
    return as_json(
        {"status": "ready" if ready else "not ready", "checks": checks},
        status=200 if ready else 503,
    )


def _database_answers() -> dict[str, bool]:
    try:
        with database().transaction() as session:
            migrated = session.scalar(text("SELECT count(*) = 1 FROM alembic_version"))
            return {"database": bool(migrated), "tombstones": True}
    except SQLAlchemyError as error:
        older = isinstance(getattr(error, "orig", None), OlderThanTombstones)
        return {"database": older, "tombstones": not older}


def _redis_answers() -> bool:
    url = current_app.extensions["tenure.settings"].redis_url
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


@blueprint.get("/metrics")
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
@public
def metrics_text() -> Any:
    """Prometheus text."""
    with database().transaction() as session:
        extensions = current_app.extensions
        settings, sample = extensions["tenure.settings"], extensions.get(metrics.SAMPLER)
        body = metrics.exposition(settings.service, session, sample, time_zone=settings.time_zone)
    return Response(body, content_type="text/plain; version=0.0.4; charset=utf-8")
