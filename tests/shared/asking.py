"""Asking the toy service over HTTP, and what every refusal of it must hold."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.shared.toy.service import bearer

ADMIN = bearer()


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["status"] == status
    assert problem["type"].startswith("https://")
    assert problem["title"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def post(client: FlaskClient, body: bytes, content_type: str = "application/json") -> TestResponse:
    return client.post("/v1/things", data=body, content_type=content_type, headers=ADMIN)
