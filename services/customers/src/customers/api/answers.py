"""Answers that routes share: JSON of rows, and the use cases' refusals as problems."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask, Response, current_app

from customers.domain import IsDeleted, IsErased, Missing, NotAllowed, NotValid, Refusal
from customers.settings import Settings
from shared.http.problems import Problem, answer, invalid, not_found
from shared.http.transactions import etag

# What a body may name, by what a use case says is missing.
FIELDS = {
    "package": ("package_id",),
    "operator": ("operator_id", "parent_id"),
    "customer class": ("class_id",),
}


def answered(
    body: Any, *, version: int | None = None, headers: dict[str, str] | None = None
) -> Response:
    response = Response(
        orjson.dumps(body, default=str), headers=headers, content_type="application/json"
    )
    if version is not None:
        response.headers["ETag"] = etag(version)
    return response


def settings() -> Settings:
    found: Settings = current_app.extensions["tenure.settings"]
    return found


def register_refusals(app: Flask) -> None:
    """Each refusal of a use case has one problem, whichever route met it."""
    app.register_error_handler(Missing, lambda error: answer(_missing(str(error))))
    app.register_error_handler(IsDeleted, lambda error: answer(_deleted(error)))
    app.register_error_handler(IsErased, lambda _: answer(_erased()))
    app.register_error_handler(Refusal, lambda error: answer(_refused(error)))
    app.register_error_handler(
        NotAllowed, lambda error: answer(Problem(403, "forbidden", "Not allowed", str(error)))
    )
    app.register_error_handler(
        NotValid, lambda error: answer(invalid(error.field, error.detail, error.code))
    )


def _missing(what: str) -> Problem:
    return not_found(what, *FIELDS.get(what, ()))


def _deleted(error: IsDeleted) -> Problem:
    place = f"/v1/deleted-customers/{error.customer_id}"
    return Problem(
        404, "deleted", "Deleted", "This customer is deleted; it can be restored.",
        deleted_customer=place, headers={"Link": f'<{place}>; rel="alternate"'},
    )  # fmt: skip


def _erased() -> Problem:
    return Problem(410, "erased", "Erased", "This customer is erased, for good.")


def _refused(error: Refusal) -> Problem:
    return Problem(
        409, error.code.replace("_", "-"), "Not possible now", error.detail, errors=error.errors,
        **error.members,
    )  # fmt: skip
