"""`/v1/bills`: what customers owe (E25)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import billing, domain, printing, voiding
from payments.api.answering import as_one, rules, settings
from payments.domain import BillDraft, Item, UnknownCustomer
from payments.persistence import bills as stored
from payments.persistence import facts
from payments.persistence.matching import of_customers
from payments.persistence.tables import bill
from payments.schemas import bodies
from payments.schemas.answers import BillPageSchema, BillSchema
from payments.schemas.requests import BillArguments, BillRequestSchema, ReasonSchema
from payments.taxing import taxed
from shared.http import Blueprint, Transaction, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json

bills = Blueprint("bills", __name__, description="What customers owe")


@bills.get("/v1/bills")
@bills.arguments(BillArguments, location="query")
@bills.response(200, BillPageSchema)
@permission("bills.read")
def list_bills(arguments: dict[str, Any]) -> Any:
    """Bills of the caller's branch, newest first."""
    scope = principal().scope
    whose = None
    if "q" in arguments:
        with database().searching() as session:
            whose = of_customers(session, scope, arguments["q"], bill.c.customer_id)
    query = stored.listed(scope, arguments, whose)
    with database().reading(scope) as session:
        found = page(
            session, query, arguments, sortable=stored.SORTABLE, key=bill.c.id,
            default_sort="-issued_at",
        )  # fmt: skip
    return as_json(found.body(bodies.bill), found.headers())


@bills.post("/v1/bills")
@bills.arguments(BillRequestSchema)
@bills.response(201, BillSchema)
@permission("bills.write")
def issue_bill(body: dict[str, Any]) -> Any:
    """Issue a bill by hand; one for each customer and period start. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules():
        draft = _draft(tx.session, body)
        issued = billing.issue_by_hand(tx.session, draft, settings(), tx.actor)
        return answer_bill(tx, issued, 201)


def _draft(session: Session, body: dict[str, Any]) -> BillDraft:
    known = facts.customers(session, [body["customer_id"]]).get(body["customer_id"])
    if known is None:
        raise UnknownCustomer(body["customer_id"])
    now, period = stored.now(session), body.get("period", {})
    return BillDraft(
        customer_id=known.id,
        currency=body["items"][0]["amount"].currency,
        items=tuple(
            taxed(
                Item(
                    description=item["description"],
                    quantity=item["quantity"],
                    amount=item["amount"].amount,
                ),
                settings().tax,
                item["amount"].currency,
                item.get("tax_percent"),
            )
            for item in body["items"]
        ),
        issued_at=now,
        due_at=body.get("due_at") or domain.due_at(known.balance_control, now, settings().due_days),
        period_start=period.get("start"),
        period_end=period.get("end"),
    )


def answer_bill(tx: Transaction, bill_id: UUID, status: int = 200) -> Any:
    """The bill as a write answers it."""
    row = stored.detail(tx.session, bill_id)
    headers = {"Location": f"/v1/bills/{bill_id}"} if status == 201 else None
    return tx.answer(
        None, bodies.bill(row), status, subject=row.customer_id, version=row.version,
        headers=headers,
    )  # fmt: skip


@bills.get("/v1/bills/<uuid:bill_id>")
@bills.response(200, BillSchema)
@permission("bills.read")
def get_bill(bill_id: UUID) -> Any:
    """One bill with its items, as JSON, or as a page to print with `Accept: text/html`."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, bill_id)
    if row is not None and printing.wanted():
        return printing.bill(bodies.bill(row), settings().time_zone, settings().tax.name)
    return as_one(row, "bill", bodies.bill)


@bills.post("/v1/bills/<uuid:bill_id>/void")
@bills.arguments(ReasonSchema)
@bills.response(200, BillSchema)
@permission("bills.void")
def void_bill(body: dict[str, Any], bill_id: UUID) -> Any:
    """The bill never was: what was paid on it pays others, or waits as funds."""
    with transaction() as tx, rules("bill"):
        voiding.void(tx.session, bill_id, body["reason"], tx.actor)
        return answer_bill(tx, bill_id)
