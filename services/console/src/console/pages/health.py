"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from prometheus_client import generate_latest
from redis.exceptions import RedisError

from console.context import sessions

pages = Blueprint("health", __name__)


@pages.get("/livez")
def livez() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Redis answers: without it nobody is signed in. A service that is away is shown on its pages."""
    try:
        ready = sessions().redis.ping() is True
    except RedisError:
        ready = False
    answer = jsonify(status="ready" if ready else "not ready", checks={"redis": ready})
    return answer, 200 if ready else 503


@pages.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    return Response(generate_latest(), content_type="text/plain; version=0.0.4; charset=utf-8")
