"""Every documented operation, with what its schema allows and what it forbids, against real PostgreSQL.

Bounded and the same each time: a few examples an operation, no shrinking.
"""

import importlib
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
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok
from sqlalchemy import text

from shared.settings import Settings
from shared.tokens import Principal, Verifier
from tests.contracts.openapi import SERVICES
from tests.support import databases

ADMIN = Principal(id=UUID(int=1), name="admin", role="admin", path="1/")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 3
# A stream of progress has no end that a schema could describe.
UNCHECKED = {"/v1/jobs/{job_id}/events"}
pytestmark = pytest.mark.timeout(300)


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


@pytest.fixture(params=sorted(SERVICES))
def app(
    request: pytest.FixtureRequest, postgres: str, redis_url: str, tmp_path: Any, monkeypatch: Any
) -> Iterator[Flask]:
    service: str = request.param
    for name, value in {**databases.SECRETS, "TENURE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    found = databases.fresh(_settings(service, postgres, tmp_path, redis_url), _migrate(service))
    made: Flask = importlib.import_module(f"{SERVICES[service]}.web").build(found)
    with mock.patch.object(Verifier, "verify", return_value=ADMIN):
        yield made
    made.extensions["tenure.database"].close()
    databases.drop(found)


def test_no_request_gets_an_answer_that_the_document_does_not_describe(app: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
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
        response = case.call(headers={"Authorization": "Bearer x.y.z"})
        try:
            case.validate_response(response, checks=CHECKS)
        except (AssertionError, BaseExceptionGroup) as failure:
            found.append(f"{operation.label}: {response.status_code} {str(failure)[:300]}")

    # A route without parameters has nothing that could be wrong.
    with suppress(Unsatisfiable):
        call()
    return found[:2]
