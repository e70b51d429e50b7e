"""ETags: the version of what is changed, and of a GET's answer its content too (RFC 9110, 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re

from flask import Flask, Response, request

from shared.http.problems import Problem

_VERSION = re.compile(r'"([0-9]+)(?:-[0-9a-f]+)?"')


def etag(version: int) -> str:
    return f'"{version}"'


def require_match(version: int) -> None:
    """For PATCH, PUT and DELETE of a single resource: 428 without If-Match, 412 when it is stale."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(
            428, "precondition-required", "If-Match needed",
            "Read the resource first and send its ETag in If-Match.",
        )  # fmt: skip
    versions = [
        found[1] for part in given.split(",") if (found := _VERSION.fullmatch(part.strip()))
    ]
    if given != "*" and str(version) not in versions:
        raise Problem(
            412, "stale", "Changed by somebody else meanwhile",
            "Read the resource again and repeat the change on what it is now.",
            headers={"ETag": etag(version)},
        )  # fmt: skip


def answer_unchanged(app: Flask) -> None:
    """`"7"` of a GET becomes `"7-…"`, and If-None-Match with it gets a 304 while the answer stays the same.

    The version alone does not tell: a customer's balance follows payments, which is no new version.
    """

    @app.after_request
    def compare(response: Response) -> Response:
        found = _VERSION.fullmatch(response.headers.get("ETag", ""))
        if request.method == "GET" and response.status_code == 200 and found:
            digest = hashlib.sha256(response.get_data()).hexdigest()[:16]
            response.set_etag(f"{found[1]}-{digest}")
            if request.if_none_match.contains_weak(f"{found[1]}-{digest}"):
                response.status_code = 304
        return response
