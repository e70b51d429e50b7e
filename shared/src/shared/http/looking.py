"""Each answer that shows personal data is noted, and `/v1/access-log` tells who was shown what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from flask import Flask, Response, g, request

from shared import access_log
from shared.access_log import AccessLog, Look
from shared.database import Database
from shared.http.application import database
from shared.http.authentication import client_address, permission, principal
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, page_of
from shared.http.paging import PlainPageArguments, page

LOG = "tenure.access_log"
access = Blueprint("access log", __name__, description="Who looked at or fetched personal data")
# Of the plumbing, in every service.
SHOWN_BY_ALL: Mapping[str, str] = {
    "/v1/operations": "operations",
    "/v1/events": "events",
    "/v1/events/<uuid:event_id>": "event",
    "/v1/jobs/<uuid:job_id>/rows": "job_rows",
}
FILE = "/v1/exports/<uuid:export_id>/file"


def install(app: Flask, source: Database, shows: Mapping[str, str]) -> None:
    """`shows`: by route, what it shows. A file counts its rows; every other answer what it listed, or
    one record. Services ask for one another, not for a person: they are not noted."""
    kept = AccessLog(source)
    app.extensions[LOG] = kept

    @app.after_request
    def note(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else ""
        shown = request.method == "GET" and response.status_code in (200, 206)
        if shown and rule in shows and principal().role != "service":
            kept.add(_look(shows[rule]))
        return response


def _look(what: str) -> Look:
    caller, named = principal(), request.view_args or {}
    return Look(
        at=datetime.now(UTC),
        actor=caller.name,
        actor_id=caller.id,
        operator_path=caller.path or "",
        ip=client_address(),
        request_id=g.request_id,
        what=what,
        subject=named.get("customer_id") or named.get("export_id"),
        records=None if "export_id" in named else int(g.get("records", 1)),
    )


class AccessSchema(ma.Schema):
    """`subject` is whose record it was, when it was one alone; `records` how many were shown."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.DateTime(format="iso", required=True)
    actor = ma.fields.String(required=True)
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    ip = ma.fields.String(required=True, allow_none=True)
    request_id = ma.fields.String(required=True)
    what = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True, allow_none=True)
    records = ma.fields.Integer(required=True)


class AccessArguments(PlainPageArguments):
    actor = ma.fields.String(validate=ma.validate.Length(1, 100))
    what = ma.fields.String(validate=ma.validate.Length(1, 100))
    subject = ma.fields.UUID()
    # `from` is a word of the language.
    since = ma.fields.AwareDateTime(data_key="from", attribute="from")
    to = ma.fields.AwareDateTime()


@access.get("/v1/access-log")
@access.arguments(AccessArguments, location="query")
@access.response(200, page_of(AccessSchema))
@permission("operations.read")
def list_accesses(arguments: dict[str, Any]) -> Response:
    """Who of the branch looked at or fetched personal data, the latest first; kept for a year."""
    scope, a = principal().scope, access_log.access.c
    query = access_log.listed(arguments).where(scope.covers(a.operator_path))
    with database().transaction(scope) as session:
        found = page(session, query, arguments, key=a.id, default_sort="-at", sortable={"at": a.at})
    names = [name for name in access_log.FIELDS if name != "operator_path"]
    return as_json(
        found.body(lambda row: {name: getattr(row, name) for name in names}), found.headers()
    )
