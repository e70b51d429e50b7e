"""`/v1/proforma-bills`: the bills of periods that have not begun."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from payments import printing, proforma
from payments.api.answering import as_one, rules, settings
from payments.api.bills import answer_bill
from payments.persistence import proformas as stored
from payments.persistence.matching import of_customers
from payments.schemas import proformas as bodies
from payments.schemas.answers import BillSchema
from payments.schemas.proformas import ProformaArguments, ProformaPageSchema, ProformaSchema
from shared.http import Blueprint, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json

proformas = Blueprint("proforma-bills", __name__, description="Bills of periods to come")
SORTABLE = {"announced_at": stored.proforma.c.announced_at}


@proformas.get("/v1/proforma-bills")
@proformas.arguments(ProformaArguments, location="query")
@proformas.response(200, ProformaPageSchema)
@permission("bills.read")
def list_proformas(arguments: dict[str, Any]) -> Any:
    """Proforma bills of the caller's branch, newest first."""
    scope = principal().scope
    whose = None
    if "q" in arguments:
        with database().searching() as session:
            whose = of_customers(session, scope, arguments["q"], stored.proforma.c.customer_id)
    query = stored.listed(scope, arguments, whose)
    with database().reading(scope) as session:
        found = page(
            session, query, arguments, sortable=SORTABLE, key=stored.proforma.c.id,
            default_sort="-announced_at",
        )  # fmt: skip
    return as_json(found.body(bodies.proforma), found.headers())


@proformas.get("/v1/proforma-bills/<uuid:proforma_id>")
@proformas.response(200, ProformaSchema)
@permission("bills.read")
def get_proforma(proforma_id: UUID) -> Any:
    """One of them, as JSON, or as a page to print with `Accept: text/html`."""
    scope = principal().scope
    with database().reading(scope) as session:
        row = stored.detail(session, scope, proforma_id)
    if row is not None and printing.wanted():
        return printing.proforma(bodies.proforma(row), settings().time_zone, settings().tax.name)
    return as_one(row, "proforma bill", bodies.proforma)


@proformas.post("/v1/proforma-bills/<uuid:proforma_id>/issue")
@proformas.response(201, BillSchema)
@permission("bills.write")
def issue_proforma(proforma_id: UUID) -> Any:
    """Bill its period now, before a renewal does: one bill for it, whoever comes first."""
    with transaction() as tx, rules("proforma bill"):
        issued = proforma.issue(
            tx.session, principal().scope, proforma_id, settings(), tx.actor
        )  # fmt: skip
        return answer_bill(tx, issued, 201)
