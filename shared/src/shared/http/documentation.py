"""The page at /docs: the OpenAPI document for people, plain HTML that needs no script and no network."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response
from jinja2 import Environment

from shared.http.authentication import public

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; }
details { border-top: 1px solid #8888; } summary { padding: .5rem 0; cursor: pointer; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
caption { text-align: left; font-weight: bold; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; font-weight: normal; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'"


def install(app: Flask, specification: Any) -> None:
    """`specification(app)` gives the document; it is asked once, at the first visit."""

    @cache
    def page() -> str:
        return render(specification(app))

    @app.get("/docs")
    @public
    def docs() -> Response:
        return Response(
            page(), content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": POLICY},
        )  # fmt: skip


def render(spec: dict[str, Any]) -> str:
    source = Path(__file__).with_name("documentation.html").read_text()
    template = Environment(autoescape=True).from_string(source)
    return template.render(spec=spec, style=STYLE, groups=_groups(spec))


def _groups(spec: dict[str, Any]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                call = _call(spec, path, method, operation, operations.get("parameters", []))
                groups.setdefault(operation["tags"][0], []).append(call)
    return [{"name": name, "calls": calls} for name, calls in groups.items()]


def _call(
    spec: dict[str, Any], path: str, method: str, operation: dict[str, Any], more: list[Any]
) -> dict[str, Any]:
    parameters = [
        {
            "name": parameter["name"],
            "required": parameter.get("required", False),
            "form": f"{parameter['in']}: {_form(spec, parameter['schema'])}",
            "meaning": parameter.get("description", ""),
        }
        for parameter in [*more, *operation.get("parameters", [])]
    ]
    tables = [{"caption": "Parameters", "rows": parameters}] if parameters else []
    for caption, content in _bodies(operation):
        for media in content.values():
            rows = _fields(spec, media.get("schema", {}))
            tables += [{"caption": caption, "rows": rows}] if rows else []
    return {
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "permission": operation.get("x-permission"),
        "tables": tables,
    }


def _bodies(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    sent = [("Body", operation["requestBody"]["content"])] if "requestBody" in operation else []
    answers = [
        (f"Answer {status}", response["content"])
        for status, response in operation["responses"].items()
        if "content" in response and str(status).startswith("2")
    ]
    return sent + answers


def _fields(spec: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = _resolved(spec, schema)
    required = found.get("required", [])
    return [
        {
            "name": name,
            "required": name in required,
            "form": _form(spec, field),
            "meaning": field.get("description", ""),
        }
        for name, field in found.get("properties", {}).items()
    ]


def _resolved(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = spec["components"]["schemas"].get(reference, schema)
    return found


def _form(spec: dict[str, Any], schema: dict[str, Any]) -> str:
    """In words: `string (uuid)`, `one of a, b`, `list of {id, name}`."""
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "items" in schema:
        return "list of " + _form(spec, schema["items"])
    found = _resolved(spec, schema)
    if found is not schema:
        return "{" + ", ".join(found.get("properties", {})) + "}"
    kind = schema.get("type", "object")
    kinds = kind if isinstance(kind, list) else [kind]
    form = " or ".join(kinds)
    return f"{form} ({schema['format']})" if "format" in schema else form
