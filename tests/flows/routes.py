"""Every route of a service as its OpenAPI document tells, and bodies for it, good and bad."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.flows.front_end import Operator

Json = dict[str, Any]
# What no generator can guess: a rule that the schema language does not say.
SAMPLES: Json = {
    "customer_number": "C-1", "username": "somebody", "phone": "+8801711000000",
    "email": "somebody@example.org", "confirm": "C-1", "reason": "closed_account",
    "currency": "BDT", "name": "Somebody", "password": "long-enough-1", "ids": [str(uuid4())],
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """`schema` is that of the body, references resolved; None where there is no body."""

    service: str
    method: str
    path: str
    permission: str | None
    parameters: tuple[str, ...]
    schema: Json | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def place(self, **values: str) -> str:
        """The path with these values, and ids that nobody has for the others."""
        path = self.path
        for name in self.parameters:
            path = path.replace("{" + name + "}", values.get(name, str(uuid4())))
        return path


def routes(caller: Operator, service: str) -> Iterator[Route]:
    document = caller.get(service, "/openapi.json")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            found = [*item.get("parameters", []), *operation.get("parameters", [])]
            names = tuple(one["name"] for one in found if one["in"] == "path")
            yield Route(
                service, method.upper(), path, operation.get("x-permission"), names,
                _body(document, operation),
            )  # fmt: skip


def _body(document: Json, operation: Json) -> Json | None:
    content = operation.get("requestBody", {}).get("content", {})
    media = content.get("application/json")
    return None if media is None else _resolved(document, media["schema"])


def _resolved(document: Json, schema: Any) -> Any:
    """The schema with what it refers to in its place."""
    if isinstance(schema, list):
        return [_resolved(document, one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    return {name: _resolved(document, value) for name, value in schema.items()}


def good(schema: Json) -> Json:
    """A body with every required field."""
    required = schema.get("required", [])
    return {name: _value(name, schema["properties"][name]) for name in required}


def _value(name: str, schema: Json) -> Any:
    if "enum" in schema:
        return next(one for one in schema["enum"] if one is not None)
    if name in SAMPLES:
        return SAMPLES[name]
    match schema.get("format"):
        case "uuid":
            return str(uuid4())
        case "date":
            return (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        case "date-time":
            return (datetime.now(UTC) + timedelta(days=2)).isoformat()
    if "properties" in schema:
        if "amount" in schema["properties"] and "currency" in schema["properties"]:
            return {"amount": "1.00", "currency": "BDT"}
        return good(schema)
    kinds = schema.get("type", "object")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    values = {"string": "some text", "integer": 1, "number": 1, "boolean": True, "object": {}}
    return [_value("", schema["items"])] if kind == "array" else values[kind]


def bad(schema: Json) -> Iterator[tuple[str, Any]]:
    """Bodies that nobody may take, each with what is wrong in it."""
    yield "a list", [1]
    yield "a text", "text"
    yield "an unknown field", {**good(schema), "no_such_field": 1}
    for name, field in schema.get("properties", {}).items():
        if field.get("readOnly"):
            continue
        for kind, value in (("a number", 4.5), ("nested", {"a": [{}]}), ("bytes", "\u0000\ud800")):
            if not _fits(field, value):
                yield f"{name} is {kind}", {**good(schema), name: value}
    for name in schema.get("required", []):
        body = good(schema)
        del body[name]
        yield f"no {name}", body


def _fits(field: Json, value: Any) -> bool:
    """Whether the schema leaves room for the value: a free object takes anything nested."""
    kinds = field.get("type", "object")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if isinstance(value, dict):
        return "object" in kinds and not field.get("properties")
    return isinstance(value, float) and "number" in kinds
