"""Which answers show personal data; and the signed heads of every operations log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from customers import chain_heads
from customers.api.answers import answered
from customers.schemas.access import ChainHeadArguments, ChainHeadSchema
from shared.http import Blueprint, database, page, permission
from shared.http.looking import FILE, SHOWN_BY_ALL
from shared.http.operating.answering import page_of

heads = Blueprint("heads", __name__, description="The signed heads of the operations logs")
ONE = "/v1/customers/<uuid:customer_id>"
# By route: what it shows. A file counts its rows; every other answer what it listed, or one record.
SHOWS: Mapping[str, str] = {
    "/v1/customers": "customers",
    ONE: "customer",
    f"{ONE}/status-history": "customer.status_history",
    f"{ONE}/as-of": "customer.as_of",
    f"{ONE}/why-offline": "customer.why_offline",
    f"{ONE}/accounts": "customer.accounts",
    f"{ONE}/integrity": "customer.integrity",
    "/v1/deleted-customers": "deleted_customers",
    "/v1/deleted-customers/<uuid:customer_id>": "deleted_customer",
    "/v1/imports/<uuid:import_id>/refused-rows": "refused_rows",
    **SHOWN_BY_ALL,
    FILE: "export_file",
}


@heads.get("/v1/operations/heads")
@heads.arguments(ChainHeadArguments, location="query")
@heads.response(200, page_of(ChainHeadSchema))
@permission("operations.verify")
def list_heads(arguments: dict[str, Any]) -> Response:
    """The head of every service's operations log, once a day, signed: copy them to another machine."""
    h = chain_heads.chain_head.c
    query = chain_heads.listed(arguments.get("service"))
    with database().transaction() as session:
        found = page(session, query, arguments, key=h.id, default_sort="-at", sortable={"at": h.at})
    return answered(found.body(chain_heads.body), headers=found.headers())
