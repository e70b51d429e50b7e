"""A file as the body of a request: which types are taken, how large, and what is said of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import request

from shared.http.problems import Problem
from shared.tabular import MOST_BYTES, Unreadable

Format = TypeVar("Format")
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def request_body(formats: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI's words for a body that is a file of one of these media types."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"required": True, "content": dict.fromkeys(formats, file)}


def sent_format(formats: Mapping[str, Format], wanted: str) -> Format:
    """What `formats` calls the body's media type; from here on the body is bounded.

    `wanted` names the formats to people. Raises Problem 415.
    """
    request.max_content_length = MOST_BYTES
    format = formats.get(request.mimetype)
    if format is None:
        raise Problem(
            415, "unsupported-media-type", f"Send {wanted}",
            f"The body is {request.mimetype or 'of no type'}; Content-Type is one of {', '.join(formats)}.",
        )  # fmt: skip
    return format


@contextmanager
def readable() -> Iterator[None]:
    """A file that cannot be read is a 422 that says where."""
    try:
        yield
    except Unreadable as error:
        raise Problem(
            422, "unreadable", "The file cannot be read", str(error),
            errors=[{"pointer": "", "code": "unreadable", "detail": str(error)}],
        ) from error  # fmt: skip
