"""What comes in, strictly: JSON as RFC 8259 and I-JSON (RFC 7493) say, no unknown parameters (B1 to B3)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Flask, Request
from flask import request as current_request
from webargs.core import is_json, missing
from webargs.flaskparser import FlaskParser

from shared.http.problems import Problem

# PostgreSQL's bigint; what is larger is no number of ours.
LARGEST = 2**63 - 1
# Deeper than any body of ours; without a limit a hostile one ends in a RecursionError.
DEEPEST = 50


class NotJson(ValueError):
    """The body is not JSON that has one meaning."""


def loads(body: bytes) -> Any:
    """Raises NotJson: for bad UTF-8, doubled names, NaN, Infinity, and numbers no double can hold."""
    try:
        text = body.decode()
        if text.startswith("\ufeff"):
            raise json.JSONDecodeError("Unexpected UTF-8 BOM", text, 0)
        return _STRICT.decode(text)
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJson(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise NotJson("nested too deeply") from error
    except NotJson:
        raise
    except ValueError as error:
        # Python's own limit on the digits of an integer.
        raise NotJson("a number has too many digits") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("a name occurs twice in one object")
    return found


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson("a number is too large")
    return number


# Made once: a decoder takes longer to make than a body of ours to read.
_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)


def faults(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where a value holds what PostgreSQL cannot store: (path, what is wrong)."""
    if len(path) > DEEPEST:
        yield path, "nested too deeply"
    elif isinstance(value, str):
        if "\x00" in value:
            yield path, "must not contain a NUL character"
        elif any("\ud800" <= character <= "\udfff" for character in value):
            yield path, "must not contain half of a surrogate pair"
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield path, "number out of range"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from faults(str(name), (*path, "(name)"))
            yield from faults(inner, (*path, str(name)))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from faults(inner, (*path, str(place)))


class StrictParser(FlaskParser):
    """Unknown query parameters are refused, as unknown body fields are; so is a body that is not JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return missing
        if not is_json(req.mimetype):
            raise Problem(
                415, "unsupported-media-type", "Send application/json",
                f"The body is {req.mimetype or 'of no type'}; set Content-Type: application/json.",
            )  # fmt: skip
        try:
            found = loads(body)
        except NotJson as error:
            detail = str(error)
            raise Problem(
                400, "malformed", "Malformed request", detail,
                errors=[{"pointer": "", "code": "malformed", "detail": detail}],
            ) from error  # fmt: skip
        _check(found, lambda path: {"pointer": "".join(f"/{part}" for part in path)})
        return found

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise _invalid([({"parameter": repeated[0]}, "is given more than once")])
        _check(req.args.to_dict(), lambda path: {"parameter": ".".join(path)})
        return super().load_querystring(req, schema)


def _check(value: Any, where: Any) -> None:
    found = [(where(path), detail) for path, detail in faults(value)]
    if found:
        raise _invalid(found[:20])


def _invalid(found: list[tuple[dict[str, str], str]]) -> Problem:
    return Problem(
        422, "invalid", "Not valid", found[0][1],
        errors=[{**where, "code": "invalid", "detail": detail} for where, detail in found],
    )  # fmt: skip


def refuse_queries(app: Flask) -> None:
    """A route that takes no parameters refuses them too; public ones (webhooks, probes) are exempt."""
    taking = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if any(
            isinstance(parameter, Mapping) and parameter.get("in") == "query"
            for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
        )
    }
    strict = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if getattr(view, "permission", None) is not None and endpoint not in taking
    }

    @app.before_request
    def refuse() -> None:
        if current_request.args and current_request.endpoint in strict:
            raise _invalid([({"parameter": next(iter(current_request.args))}, "unknown parameter")])
