"""A service's Flask application: its blueprints, and what every service answers beside them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, g, request
from joserfc.jwk import KeySet
from psycopg.errors import InsufficientPrivilege
from werkzeug.exceptions import HTTPException

from shared import metrics
from shared.database import Database, passes
from shared.http import authentication, documentation
from shared.http.blueprint import Api, Blueprint, register_fields, specification
from shared.http.connections import keep_alive
from shared.http.operating import blueprints
from shared.http.parsing import refuse_queries
from shared.http.problems import Problem, answer
from shared.http.transactions import REPLAY, replayed
from shared.http.validators import answer_unchanged
from shared.inbox import Subscriptions
from shared.jobs import Jobs
from shared.logs import logger
from shared.settings import Settings
from shared.tokens import KeysAway, Verifier
from shared.tombstones import OlderThanTombstones

log = logger("http")
# Bodies above this are files or mistakes; imports raise it for their own route.
MOST_BODY = 1024 * 1024
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(
    settings: Settings,
    title: str,
    own: Sequence[Blueprint],
    *,
    keys: Callable[[bool], KeySet],
    jobs: Jobs,
    subscriptions: Subscriptions,
    find_key: authentication.KeyLookup = authentication.key_from_facts,
    database: Database | None = None,
) -> Flask:
    """Raises LookupError when a route says neither who may call it nor that it is public."""
    app = Flask(settings.service)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config.update(
        API_TITLE=f"Tenure {title}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=MOST_BODY,
        PROPAGATE_EXCEPTIONS=False,
    )
    database = database or Database(settings)
    app.extensions |= {
        "tenure.settings": settings,
        "tenure.database": database,
        "tenure.jobs": jobs,
        "tenure.subscriptions": subscriptions,
    }
    keep_alive(app)
    answer_unchanged(app)
    _identify_requests(app, settings)
    verifier = Verifier(keys, settings.service_secret)
    authentication.install(app, database, verifier, find_key)
    api = Api(app)
    register_fields(api)
    app.extensions["tenure.api"] = api
    for blueprint in (*own, *blueprints()):
        api.register_blueprint(blueprint)
    documentation.install(app, specification)
    refuse_queries(app)
    _answer_errors(app)
    for endpoint in app.view_functions:
        if not endpoint.startswith(authentication.FRAMEWORK):
            authentication.permission_of(app, endpoint)
    return app


def database() -> Database:
    return cast(Database, current_app.extensions["tenure.database"])


def _identify_requests(app: Flask, settings: Settings) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        # Ours, not the caller's: a forged id must not land in the log.
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        if "started" in g:
            route = request.url_rule.rule if request.url_rule else "none"
            metrics.REQUESTS.labels(
                settings.service, request.method, route, response.status_code
            ).observe(time.perf_counter() - g.started)
        structlog.contextvars.unbind_contextvars("request_id")
        return response


def _answer_errors(app: Flask) -> None:
    app.register_error_handler(Problem, answer)
    app.register_error_handler(REPLAY, replayed)

    def http_error(error: HTTPException) -> Any:
        return cast(Api, app.extensions["tenure.api"]).handle_http_exception(error)

    app.register_error_handler(HTTPException, http_error)

    def away(error: Exception) -> Response:
        older = isinstance(getattr(error, "orig", error), OlderThanTombstones)
        log.warning("http.database_away", error=type(error).__name__, older_than_tombstones=older)
        return answer(
            Problem(503, "unavailable", "Try again in a moment",
                    "A backup was restored: whoever was erased since is erased again first." if older
                    else "The database did not answer; nothing was changed, or the Idempotency-Key"
                    " tells.",
                    headers={"Retry-After": "2"})
        )  # fmt: skip

    def keys_away(error: KeysAway) -> Response:
        log.warning("http.keys_away", error=str(error))
        return answer(
            Problem(503, "unavailable", "Try again in a moment",
                    "Customers does not answer, whose keys say who you are; nothing was changed.",
                    headers={"Retry-After": "2"})
        )  # fmt: skip

    def beyond_the_branch(error: Exception) -> Response:
        # Of an admin below the root it is a refusal; of a branch's own rows it would be our fault.
        log.error("http.beyond_the_branch", path=request.path, error=str(error)[:300])
        return answer(
            Problem(403, "forbidden", "Not allowed",
                    "This concerns more than your branch; an operator at the root may do it.")
        )  # fmt: skip

    def unexpected(error: Exception) -> Response:
        if passes(error):
            return away(error)
        if isinstance(getattr(error, "orig", None), InsufficientPrivilege):
            return beyond_the_branch(error)
        log.exception("http.unexpected", path=request.path)
        return answer(
            Problem(500, "unexpected", "This is our fault",
                    f"Tell us the request id {g.get('request_id')}; nothing was changed.")
        )  # fmt: skip

    app.register_error_handler(KeysAway, keys_away)
    app.register_error_handler(Exception, unexpected)
