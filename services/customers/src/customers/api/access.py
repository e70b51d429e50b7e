"""Which answers show personal data; and the log of who was shown them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request

from customers import access_log, chain_heads
from customers.access_log import AccessLog, Look
from customers.api.answers import answered
from customers.schemas.access import (
    AccessArguments,
    AccessSchema,
    ChainHeadArguments,
    ChainHeadSchema,
)
from shared.database import Database
from shared.http import Blueprint, client_address, database, page, permission, principal
from shared.http.operating.answering import page_of

access = Blueprint("access log", __name__, description="Who looked at or fetched personal data")
ONE = "/v1/customers/<uuid:customer_id>"
# By route: what it shows. A file counts its rows; every other answer what it listed, or one record.
SHOWS: Mapping[str, str] = {
    "/v1/customers": "customers",
    ONE: "customer",
    f"{ONE}/status-history": "customer.status_history",
    f"{ONE}/why-offline": "customer.why_offline",
    f"{ONE}/accounts": "customer.accounts",
    f"{ONE}/integrity": "customer.integrity",
    "/v1/deleted-customers": "deleted_customers",
    "/v1/deleted-customers/<uuid:customer_id>": "deleted_customer",
    "/v1/operations": "operations",
    "/v1/events": "events",
    "/v1/events/<uuid:event_id>": "event",
    "/v1/jobs/<uuid:job_id>/rows": "job_rows",
    "/v1/exports/<uuid:export_id>/file": "export_file",
}


def install(app: Flask, source: Database) -> None:
    kept = AccessLog(source)
    app.extensions["customers.access_log"] = kept

    @app.after_request
    def note(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else ""
        shown = request.method == "GET" and response.status_code in (200, 206)
        if shown and rule in SHOWS and principal().role != "service":
            kept.add(_look(SHOWS[rule]))
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
    return answered(
        found.body(lambda row: {name: getattr(row, name) for name in names}),
        headers=found.headers(),
    )


@access.get("/v1/operations/heads")
@access.arguments(ChainHeadArguments, location="query")
@access.response(200, page_of(ChainHeadSchema))
@permission("operations.verify")
def list_heads(arguments: dict[str, Any]) -> Response:
    """The head of every service's operations log, once a day, signed: copy them to another machine."""
    h = chain_heads.chain_head.c
    query = chain_heads.listed(arguments.get("service"))
    with database().transaction() as session:
        found = page(session, query, arguments, key=h.id, default_sort="-at", sortable={"at": h.at})
    return answered(found.body(chain_heads.body), headers=found.headers())
