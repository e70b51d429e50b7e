"""Who looked at whose access, sessions and usage: one line per answer that shows a person."""

from collections.abc import Iterator

import pytest
from flask import Flask
from joserfc.jwk import KeySet

from radius_sync.api import BLUEPRINTS
from radius_sync.api.access import SHOWS
from radius_sync.jobs import jobs
from radius_sync.settings import Settings
from radius_sync.subscriptions import SUBSCRIPTIONS
from shared.database import Database
from shared.http import create_app, looking
from tests.radius_sync.calling import KEY, Caller

# GET routes that show NASes, servers, rules and states.
SHOWS_NOBODY = frozenset(
    {
        "/v1/access-log", "/v1/data-subjects/<uuid:customer_id>", "/v1/dead-letters", "/v1/jobs",
        "/v1/jobs/<uuid:job_id>", "/v1/jobs/<uuid:job_id>/events", "/v1/nas",
        "/v1/nas/<uuid:nas_id>", "/v1/operations/head", "/v1/operations/verify",
        "/v1/reconciliations", "/v1/storm", "/v1/targets", "/v1/targets/<uuid:target_id>",
        "/v1/targets/<uuid:target_id>/doctor", "/v1/walled-garden", "/v1/walled-garden/<reason>",
    }
)  # fmt: skip


@pytest.fixture
def app(settings: Settings, database: Database) -> Iterator[Flask]:
    made = create_app(
        settings, "radius-sync", [*BLUEPRINTS, looking.access], keys=lambda _: KeySet([KEY]),
        jobs=jobs(settings), subscriptions=SUBSCRIPTIONS, database=database,
    )  # fmt: skip
    looking.install(made, database, SHOWS)
    yield made
    made.extensions[looking.LOG].close()


def test_every_get_route_says_whether_it_shows_a_person(app: Flask) -> None:
    """A new route is a decision, made in api/access.py or here."""
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {rule for rule in rules if rule.startswith("/v1/")} == set(SHOWS) | SHOWS_NOBODY
    assert not set(SHOWS) & SHOWS_NOBODY


def test_whoever_looks_at_sessions_is_noted(app: Flask) -> None:
    admin = Caller(app.test_client(), "admin", "1/")
    assert admin("GET", "/v1/sessions").status_code == 200
    assert admin("GET", "/v1/nas").status_code == 200
    assert app.extensions[looking.LOG].flush()
    (look,) = admin("GET", "/v1/access-log").json["items"]
    assert (look["what"], look["actor"], look["records"]) == ("sessions", "admin", 0)
