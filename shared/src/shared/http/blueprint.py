"""flask-smorest with its four inexactnesses mended (reference ecosystem, trap 8)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol, TypeVar, cast

import flask_smorest
import marshmallow as ma
from apispec import APISpec
from flask import Flask
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from shared.http.problems import ProblemSchema, from_http

View = TypeVar("View", bound=Callable[..., Any])


class StrictParser(FlaskParser):
    """Unknown query parameters are refused, as unknown body fields are."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE}


class Decorator(Protocol):
    def __call__(self, view: View) -> View: ...


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint, strict about queries and with types on what a route uses."""

    ARGUMENTS_PARSER = StrictParser()

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

    def arguments(self, schema: Any, **options: Any) -> Decorator:
        return cast(Decorator, super().arguments(schema, **options))

    def response(self, status: int, schema: Any = None, **options: Any) -> Decorator:
        return cast(Decorator, super().response(status, schema, **options))

    def alt_response(self, status: int, **options: Any) -> Decorator:
        return cast(Decorator, super().alt_response(status, **options))


class MoneySchema(ma.Schema):
    """`{"amount": "500.00", "currency": "BDT"}`."""

    amount = ma.fields.Decimal(as_string=True, allow_nan=False, required=True)
    currency = ma.fields.String(required=True, validate=ma.validate.Regexp(r"^[A-Z]{3}$"))


def money(amount: Decimal | None, currency: str) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}


class Api(flask_smorest.Api):  # type: ignore[misc]
    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Any:
        return from_http(error)

    def _register_responses(self) -> None:
        super()._register_responses()
        for response in self.spec.components.responses.values():
            content = response.get("content", {})
            if "application/json" in content:
                content["application/problem+json"] = content.pop("application/json")


def register_fields(api: Api) -> None:
    api.register_field(ma.fields.Decimal, "string", "decimal")


def specification(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application, for the committed copy."""
    api: Api = app.extensions["tenure.api"]
    spec: APISpec = api.spec
    document: dict[str, Any] = spec.to_dict()
    return document
