"""Every documented operation, with what its schema allows and what it forbids, against real PostgreSQL.

Bounded and the same each time: a few examples an operation, no shrinking.
"""

import importlib
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS as ALL_CHECKS
from schemathesis.checks import load_all_checks
from schemathesis.config import CheckConfig
from schemathesis.core.result import Ok
from sqlalchemy import text

from shared.settings import Settings
from shared.tokens import BadToken, Principal, Verifier
from tests.contracts.openapi import SERVICES
from tests.support import databases

ADMIN = Principal(id=UUID(int=1), name="admin", role="admin", path="1/")
TOKEN = "x.y.z"
# These follow a resource over several calls; tests of our own do (deletion, erasure, scopes).
SEQUENCES = ["use_after_free", "ensure_resource_availability", "object_level_authorization"]
# They register themselves where they are first used: without this there is one of them.
load_all_checks()
CHECKS = [check for check in ALL_CHECKS.get_all() if check.__name__ not in SEQUENCES]
# What only the books can judge is a 422 that names the field; a stale or malformed ETag a 412.
EXPECTED: dict[str, list[str | int]] = {
    "positive_data_acceptance": ["2xx", 401, 403, 404, 409, 422, "5xx"],
    "negative_data_rejection": [400, 401, 403, 404, 405, 409, 412, 415, 422, 428],
}
# What the document has to say itself.
BY_DOCUMENT = ("Missing data for required field.", "unknown parameter")
AS_ADMIN = {"Authorization": f"Bearer {TOKEN}"}
_NUMBERS = itertools.count()
METHODS = {"get", "post", "put", "patch", "delete"}
EXAMPLES = 3
# A stream of progress has no end that a schema could describe.
UNCHECKED = {"/v1/jobs/{job_id}/events"}
pytestmark = pytest.mark.timeout(600)


def _migrate(service: str) -> Callable[[Any], None]:
    if service == "customers":
        from customers.preparing import migrate as customers

        return customers
    if service == "payments":
        from payments.settings import MIGRATIONS
        from shared.migrating import migrate

        def payments(settings: Settings) -> None:
            migrate(settings, MIGRATIONS)

        return payments
    from radius_sync.installation import migrate as radius

    return radius


def _settings(service: str, *where: Any) -> Settings:
    module = importlib.import_module(f"{SERVICES[service]}.settings")
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
    ]
    return databases.read_settings(service, SERVICES[service], kinds[0], *where)


def _verify(_self: Verifier, token: str) -> Principal:
    if token != TOKEN:
        raise BadToken("not ours")
    return ADMIN


@pytest.fixture(params=sorted(SERVICES))
def app(
    request: pytest.FixtureRequest, postgres: str, redis_url: str, tmp_path: Any, monkeypatch: Any
) -> Iterator[Flask]:
    service: str = request.param
    for name, value in {**databases.SECRETS, "TENURE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    found = databases.fresh(_settings(service, postgres, tmp_path, redis_url), _migrate(service))
    made: Flask = importlib.import_module(f"{SERVICES[service]}.web").build(found)
    with mock.patch.object(Verifier, "verify", _verify):
        yield made
    made.extensions["tenure.database"].close()
    databases.drop(found)


def test_the_checks_of_schemas_statuses_and_types_are_among_those_that_run() -> None:
    names = {check.__name__ for check in CHECKS}
    assert names >= {
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_headers_conformance", "response_schema_conformance", "ignored_auth",
        "negative_data_rejection", "positive_data_acceptance",
    }, names  # fmt: skip


def test_no_request_gets_an_answer_that_the_document_does_not_describe(app: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    for name, statuses in EXPECTED.items():
        setattr(schema.config.checks, name, CheckConfig(expected_statuses=statuses))
    failures: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if operation.path in UNCHECKED:
            continue
        tried += 1
        for mode in GenerationMode:
            failures += _failures(operation, mode)
    assert tried > 20
    assert failures == []
    with app.extensions["tenure.database"].transaction() as session:
        assert session.scalar(text("SELECT 1")) == 1


def _failures(operation: Any, mode: GenerationMode) -> list[str]:
    cases = operation.as_strategy(generation_mode=mode)

    found: list[str] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def call(case: Any) -> None:
        headers = dict(AS_ADMIN)
        if mode.is_positive:
            headers |= {"Idempotency-Key": f"schema-{next(_NUMBERS):08d}", "If-Match": "*"}
        response = case.call(headers=headers)
        try:
            case.validate_response(response, checks=CHECKS, headers=headers)
            assert not (mode.is_positive and _undocumented(response)), response.text
        except (AssertionError, BaseExceptionGroup) as failure:
            found.append(f"{operation.label}: {response.status_code} {_told(failure)}")

    # A route without parameters has nothing that could be wrong.
    with suppress(Unsatisfiable):
        call()
    return found[:2]


def _undocumented(response: Any) -> bool:
    """Refused by a rule that the document could have told, or without a word on what is wrong."""
    if response.status_code != 422:
        return False
    details = [error["detail"] for error in response.json()["errors"]]
    return not details or any(detail in BY_DOCUMENT for detail in details)


def _told(failure: BaseException) -> str:
    inner = failure.exceptions if isinstance(failure, BaseExceptionGroup) else [failure]
    return "; ".join(str(one)[:300] for one in inner)


def test_a_method_that_is_not_documented_is_a_405_that_names_those_that_are(app: Flask) -> None:
    document: Any = app.test_client().get("/openapi.json").get_json()
    tried = 0
    for template, operations in document["paths"].items():
        path = re.sub(r"{[^}]+}", str(UUID(int=7)), template)
        documented = METHODS & set(operations)
        for method in sorted(METHODS - documented):
            answer = app.test_client().open(path, method=method.upper(), headers=AS_ADMIN)
            tried += 1
            if answer.status_code == 404:
                # Another rule has this path, whose value is of another kind.
                continue
            assert answer.status_code == 405, f"{method} {template}: {answer.status_code}"
            assert documented <= {
                name.strip().lower() for name in answer.headers["Allow"].split(",")
            }
    assert tried > 20
