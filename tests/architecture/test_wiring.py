"""Everything that is said is heard, everything that is queued is taken, every route asks who calls."""

import importlib
import subprocess
import sys
from typing import Any

import pytest

from shared import events
from shared.http.authentication import FRAMEWORK, permission_of
from shared.messaging import queues
from shared.tokens import PERMISSIONS
from tests.contracts import openapi

pytestmark = pytest.mark.unit
SERVICES = {"customers": "customers", "payments": "payments", "radius-sync": "radius_sync"}


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def subscriptions(service: str) -> Any:
    with openapi.environment():
        web = importlib.import_module(f"{SERVICES[service]}.web")
    return web.SUBSCRIPTIONS


def test_every_event_has_a_handler_in_every_service_that_hears_it(service: str) -> None:
    assert set(subscriptions(service).handlers) == subscriptions(service).expected


def test_a_service_listens_to_the_feeds_of_all_that_tell_it_something(service: str) -> None:
    heard = [kind for kind in events.TYPES.values() if service in kind.heard_by]

    assert heard
    for kind in heard:
        assert set(kind.said_by) <= set(events.sources(service))


def test_every_route_says_who_may_call_it(service: str) -> None:
    app = openapi.application(SERVICES[service])
    asked = {
        permission_of(app, endpoint)
        for endpoint in app.view_functions
        if not endpoint.startswith(FRAMEWORK)
    } - {None}

    assert asked
    assert all(name and name.count(".") == 1 for name in asked)


def test_what_is_open_to_anybody_is_a_short_list(service: str) -> None:
    """A new public route is a decision, made here."""
    app = openapi.application(SERVICES[service])
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith(FRAMEWORK) and permission_of(app, rule.endpoint) is None
    }
    own = {
        "customers": {"/v1/tokens", "/.well-known/jwks.json", "/.well-known/certificate-jwks.json"},
        # A receipt's link proves itself to whoever holds the paper.
        "payments": {
            "/v1/webhooks/<gateway>",
            "/v1/receipts/verify",
            # A payer's browser comes back here; all it learns is where the payment stands.
            "/v1/payment-intents/<uuid:intent_id>/return",
            "/v1/payment-methods/<uuid:method_id>/return",
        },
        "radius-sync": set(),
    }
    assert public - own[service] == {"/livez", "/readyz", "/metrics", "/docs"}


# Granted ahead of the routes that will ask for them (api.md).
AHEAD: set[str] = set()


def test_every_permission_of_a_role_is_asked_for_by_some_route() -> None:
    """A name mistyped in a role or a route would lock people out, or grant nothing."""
    asked = {
        permission_of(app, endpoint)
        for package in SERVICES.values()
        for app in [openapi.application(package)]
        for endpoint in app.view_functions
        if not endpoint.startswith(FRAMEWORK)
    }
    assert (PERMISSIONS["manager"] | PERMISSIONS["service"]) - asked - AHEAD == set()


def module(service: str, name: str) -> Any:
    return importlib.import_module(f"{SERVICES[service]}.{name}")


def worker(service: str) -> Any:
    """The worker as it is composed, on no database: nothing is asked of one while it is built."""
    settings = module(service, "settings")
    with openapi.environment():
        read = getattr(settings, "read", None) or settings.current
        return module(service, "worker").build(read())


def test_every_queue_has_a_consumer_and_every_task_a_queue(service: str) -> None:
    made = worker(service)

    taken = set(made.all_queues)
    assert set(queues(service)) <= taken
    tasks = {name for name in made.app.tasks if not name.startswith("celery.")}
    assert {f"{service}.hear", f"{service}.run_jobs"} <= tasks
    assert all(name.startswith(f"{service}.") for name in tasks)
    routed = {
        route["queue"] for route in (made.app.conf.task_routes or {}).values() if "queue" in route
    }
    assert routed <= taken


def test_every_beat_entry_names_a_task_of_the_worker(service: str) -> None:
    named = set(module(service, "schedule").SCHEDULE)
    app = worker(service).app

    assert named
    assert named <= set(app.tasks)
    assert not app.conf.beat_schedule  # beat does not read it there


def test_a_worker_looks_at_every_feed_and_at_its_jobs_by_its_own_clock(service: str) -> None:
    names = {timer.name for timer in worker(service).timers}

    assert {"watchdog", "jobs", "seal"} <= names
    assert {f"feed {source}" for source in events.sources(service)} <= names


def test_every_service_starts_with_a_usage_line(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", SERVICES[service]], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    for role in ("web", "worker", "relay", "beat", "migrate"):
        assert role in done.stderr
