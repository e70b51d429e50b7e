"""Errors as RFC 9457 problem+json: what is wrong, which field, what to do."""

from __future__ import annotations

from typing import Any, NoReturn

import marshmallow as ma
import orjson
from flask import Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException

PROBLEM_JSON = "application/problem+json"
BASE = "https://tenure.dev/problems"


class ProblemItemSchema(ma.Schema):
    pointer = ma.fields.String(metadata={"description": "JSON pointer into the body"})
    parameter = ma.fields.String(metadata={"description": "Name of a query, path or header field"})
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    suggestions = ma.fields.List(ma.fields.String())
    resolve = ma.fields.String(metadata={"description": "The call that resolves it"})


class ProblemSchema(ma.Schema):
    """RFC 9457."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    instance = ma.fields.String()
    request_id = ma.fields.String()
    errors = ma.fields.List(ma.fields.Nested(ProblemItemSchema))


class Problem(Exception):
    """Raised anywhere below a route; becomes the answer. `errors`: {pointer|parameter, code, detail}."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.errors, self.headers, self.members = errors or [], headers or {}, members


def abort_with(status: int, kind: str, title: str, detail: str = "", **more: Any) -> NoReturn:
    raise Problem(status, kind, title, detail, **more)


def not_found(what: str = "resource", *fields: str) -> Problem:
    """The one answer for what is absent and for what is out of the caller's branch.

    `fields` may have named it in the body: those that came are pointed to.
    """
    detail = f"There is no such {what} in your branch."
    body = request.get_json(silent=True) if fields else None
    sent = [field for field in fields if isinstance(body, dict) and body.get(field) is not None]
    errors = [{"pointer": f"/{field}", "code": "unknown", "detail": detail} for field in sent]
    return Problem(404, "not-found", "Not found", detail, errors=errors)


def invalid(field: str, detail: str, code: str = "invalid") -> Problem:
    """A 422 that names one body field."""
    error = {"pointer": "/" + field.replace(".", "/"), "code": code, "detail": detail}
    return Problem(422, "invalid", "Not valid", f"{field}: {detail}", errors=[error])


def invalid_parameter(name: str, detail: str, code: str = "invalid") -> Problem:
    error = {"parameter": name, "code": code, "detail": detail}
    return Problem(422, "invalid", "Not valid", f"{name}: {detail}", errors=[error])


def answer(problem: Problem) -> Response:
    body: dict[str, Any] = {
        "type": f"{BASE}/{problem.kind}",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if has_request_context():
        body["instance"] = request.path
        body["request_id"] = g.get("request_id")
    if problem.errors:
        body["errors"] = problem.errors
    body |= problem.members
    return Response(
        orjson.dumps(body, default=str),
        problem.status,
        problem.headers,
        content_type=PROBLEM_JSON,
    )


KINDS = {
    400: ("malformed", "Malformed request"),
    401: ("unauthenticated", "Sign in first"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("too-large", "Request too large"),
    415: ("unsupported-media-type", "Send application/json"),
    422: ("invalid", "Not valid"),
    429: ("too-many-requests", "Too many requests"),
}


def from_http(error: HTTPException) -> Response:
    """What Flask, webargs and smorest raise, in the same form."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    kind, title = KINDS.get(status, ("error", error.name))
    errors = list(_flatten(data.get("messages") or {}))
    detail = "; ".join(f"{_where(e)}: {e['detail']}" for e in errors[:3]) or (
        error.description or ""
    )
    headers = {
        key: value for key, value in error.get_headers() if key in ("Allow", "WWW-Authenticate")
    }
    return answer(Problem(status, kind, title, detail, errors=errors, headers=headers))


def _where(error: dict[str, Any]) -> str:
    return str(error.get("parameter") or error.get("pointer") or "the body")


def _flatten(messages: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for location, fields in messages.items():
        for path, text in _leaves(fields, ()):
            error = {"code": "invalid", "detail": text}
            if location in ("json", "json_or_form", "files"):
                found.append({"pointer": _pointer(path), **error})
            else:
                found.append({"parameter": ".".join(path) or location, **error})
    return found


def _pointer(path: tuple[str, ...]) -> str:
    """RFC 6901 section 3: a caller's own name may hold both of its signs."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)


def _leaves(value: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        return [
            leaf
            for key, inner in value.items()
            for leaf in _leaves(inner, path if key == "_schema" else (*path, str(key)))
        ]
    texts = value if isinstance(value, list) else [value]
    return [(path, str(text)) for text in texts]
