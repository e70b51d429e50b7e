"""What every service serves beside its own routes: headers, health, metrics, its description."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import KeySet
from openapi_spec_validator import validate

from shared.database import Database
from shared.http import Blueprint, create_app
from shared.http.blueprint import specification
from shared.settings import Settings
from shared.tokens import PublishedKeys
from tests.shared.asking import ADMIN
from tests.shared.toy import service


def test_every_answer_has_the_headers_that_keep_browsers_from_guessing(client: FlaskClient) -> None:
    for path in ("/livez", "/v1/things", "/v1/nothing"):
        answer = client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_request_id_is_ours_and_not_the_callers_b27(client: FlaskClient) -> None:
    answer = client.get("/livez", headers={"X-Request-Id": "forged\x1b[31m"})

    assert "forged" not in answer.headers["X-Request-Id"]


def test_health_says_what_works_and_what_does_not(settings: Settings, client: FlaskClient) -> None:
    assert client.get("/livez").get_json() == {"status": "ok"}
    everything = {"database": True, "tombstones": True, "redis": True}
    assert client.get("/readyz").get_json()["checks"] == everything
    without_redis = service.build(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    answer = without_redis.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["redis"]) == (200, False)
    without_redis.extensions["tenure.database"].close()


def test_metrics_are_prometheus_text_and_name_no_person(client: FlaskClient) -> None:
    client.get("/v1/things?q=Anna", headers=ADMIN)

    answer = client.get("/metrics")

    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert 'route="/v1/things"' in answer.get_data(as_text=True)
    assert "Anna" not in answer.get_data(as_text=True)


def test_the_specification_is_openapi_3_1_and_every_error_is_problem_json(app: Flask) -> None:
    document = specification(app)

    validate(document)
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            responses = operations[method]["responses"]
            assert responses["default"]["$ref"].endswith("DEFAULT_ERROR"), (method, path)
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


def test_all_who_ask_at_once_get_the_whole_specification(app: Flask) -> None:
    """It is written when it is first asked for."""
    with ThreadPoolExecutor(8) as people:
        documents = list(people.map(specification, [app] * 8))
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")}
    assert {re.sub(r"<([^<>]*:)?(\w+)>", r"{\2}", rule) for rule in rules} <= {
        *documents[0]["paths"]
    }
    assert all(document == documents[0] for document in documents)


def test_every_body_of_the_operating_routes_is_described(app: Flask) -> None:
    undescribed = [
        (method, path)
        for path, operations in specification(app)["paths"].items()
        for method in operations.keys() - {"parameters"}
        if not path.startswith("/v1/things")
        if not any("content" in r for r in operations[method]["responses"].values())
    ]

    assert undescribed == []


def test_the_docs_page_needs_no_script_and_names_every_call(
    client: FlaskClient, app: Flask
) -> None:
    answer = client.get("/docs")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<script" not in page
    assert "https://" not in page
    assert answer.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )
    for path in specification(app)["paths"]:
        assert f"<code>{path}</code>" in page


def test_a_route_that_says_neither_who_nor_public_keeps_the_service_from_starting(
    settings: Settings, database: Database
) -> None:
    careless = Blueprint("careless", __name__)

    @careless.get("/v1/open-to-all")
    @careless.response(200)
    def view() -> Any:
        return {}

    with pytest.raises(LookupError, match="neither @permission nor @public"):
        create_app(
            settings, "Careless", [careless], keys=lambda _: KeySet([service.KEY]),
            jobs=service.jobs(settings), subscriptions=service.SUBSCRIPTIONS, database=database,
        )  # fmt: skip


def test_without_the_keys_that_customers_publishes_nobody_is_let_in_and_the_fault_is_named(
    settings: Settings, database: Database
) -> None:
    app = create_app(
        settings, "Without keys", [service.things], keys=PublishedKeys("http://127.0.0.1:1"),
        jobs=service.jobs(settings), subscriptions=service.SUBSCRIPTIONS, database=database,
    )  # fmt: skip
    answer = app.test_client().get("/v1/things", headers=ADMIN)
    assert answer.status_code == 503
    assert "Customers does not answer" in answer.get_json()["detail"]
