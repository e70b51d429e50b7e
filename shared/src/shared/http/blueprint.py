"""flask-smorest with its four inexactnesses mended (reference ecosystem, trap 8)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

import flask_smorest
import marshmallow as ma
from apispec import APISpec
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from shared.http.parsing import StrictParser
from shared.http.problems import PROBLEM_JSON, ProblemSchema, from_http

View = TypeVar("View", bound=Callable[..., Any])


class Decorator(Protocol):
    def __call__(self, view: View) -> View: ...


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint, strict about queries and with types on what a route uses."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._prepare_doc_cbks.append(_rules_for_all)

    def get(self, rule: str, **options: Any) -> Decorator:
        return cast(Decorator, self.route(rule, methods=["GET"], **options))

    def post(self, rule: str, **options: Any) -> Decorator:
        return cast(Decorator, self.route(rule, methods=["POST"], **options))

    def put(self, rule: str, **options: Any) -> Decorator:
        return cast(Decorator, self.route(rule, methods=["PUT"], **options))

    def patch(self, rule: str, **options: Any) -> Decorator:
        return cast(Decorator, self.route(rule, methods=["PATCH"], **options))

    def delete(self, rule: str, **options: Any) -> Decorator:
        return cast(Decorator, self.route(rule, methods=["DELETE"], **options))

    def register_views_in_doc(self, api: Api, *about: Any, **options: Any) -> None:
        """When the document is first asked for: it takes longer than all the rest of a start."""
        api.describe_later(partial(super().register_views_in_doc, api, *about, **options))

    def arguments(self, schema: Any, **options: Any) -> Decorator:
        # One for all requests: making a schema anew takes as long as a small query.
        made = schema() if isinstance(schema, type) else schema
        return cast(Decorator, super().arguments(made, **options))

    def response(self, status: int, schema: Any = None, **options: Any) -> Decorator:
        return cast(Decorator, super().response(status, schema, **options))

    def alt_response(self, status: int, **options: Any) -> Decorator:
        return cast(Decorator, super().alt_response(status, **options))


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Same key and body: the stored answer. Required on payments, bulk work, erasures, exports",
    "schema": {"type": "string", "minLength": 8, "maxLength": 255, "pattern": "^[!#-~]{8,255}$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what is changed: 428 without it, 412 when it is stale",
    "schema": {"type": "string", "pattern": '^(\\*|"[0-9]+(-[0-9a-f]+)?")$'},
}
HEADERS = {"post": [IDEMPOTENCY_KEY], "patch": [IF_MATCH], "put": [IF_MATCH], "delete": [IF_MATCH]}


def _rules_for_all(
    doc: dict[str, Any], _info: dict[str, Any], *, method: str, **_: Any
) -> dict[str, Any]:
    """What every operation has beside its own: headers by method, and problem+json for every error."""
    doc.setdefault("parameters", []).extend(deepcopy(HEADERS.get(method, [])))
    doc.setdefault("responses", {})["default"] = "DEFAULT_ERROR"
    return doc


class MoneySchema(ma.Schema):
    """`{"amount": "500.00", "currency": "BDT"}`."""

    amount = ma.fields.Decimal(as_string=True, allow_nan=False, required=True)
    currency = ma.fields.String(required=True, validate=ma.validate.Regexp(r"^[A-Z]{3}$"))


def money(amount: Decimal | None, currency: str) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}


class Api(flask_smorest.Api):  # type: ignore[misc]
    """Writes the document of its blueprints when it is first asked for."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[Callable[[], None]] = []
        self._describing = Lock()
        super().__init__(app)

    def describe_later(self, describe: Callable[[], None]) -> None:
        self._undescribed.append(describe)

    def document(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document. The first call takes a tenth of a second."""
        with self._describing:
            for describe in self._undescribed:
                describe()
            self._undescribed.clear()
            spec: APISpec = self.spec
            document: dict[str, Any] = spec.to_dict()
            return document

    def _openapi_json(self) -> Response:
        return jsonify(self.document())

    def handle_http_exception(self, error: HTTPException) -> Any:
        return from_http(error)

    def _register_responses(self) -> None:
        # Every response of smorest's own is an error of ours.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM_JSON
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE
        self.spec.components.security_scheme(
            "bearer",
            {"type": "http", "scheme": "bearer", "description": "A token, or an API key `tnr_…`"},
        )


def register_fields(api: Api) -> None:
    api.register_field(ma.fields.Decimal, "string", "decimal")


def specification(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application, for the committed copy."""
    api: Api = app.extensions["tenure.api"]
    return api.document()
