"""`/v1/credits` and the calls that give them: adjustments, write-offs, credit notes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from payments import billing, crediting, domain
from payments.api.answering import as_one, rules, settings
from payments.domain import BillDraft, Item, UnknownCustomer
from payments.persistence import bills, facts
from payments.persistence import credits as stored
from payments.persistence.tables import credit
from payments.schemas import bodies
from payments.schemas.credits import (
    AdjustmentRequestSchema,
    AdjustmentSchema,
    CreditArguments,
    CreditPageSchema,
    CreditRequestSchema,
    CreditSchema,
)
from payments.schemas.requests import ReasonSchema
from shared.http import Blueprint, Transaction, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json

credits = Blueprint("credits", __name__, description="Adjustments, credit notes and write-offs")


@credits.get("/v1/credits")
@credits.arguments(CreditArguments, location="query")
@credits.response(200, CreditPageSchema)
@permission("payments.read")
def list_credits(arguments: dict[str, Any]) -> Any:
    """Credits of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope, arguments), arguments, key=credit.c.id,
            sortable={"created_at": credit.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(bodies.credit), found.headers())


@credits.get("/v1/credits/<uuid:credit_id>")
@credits.response(200, CreditSchema)
@permission("payments.read")
def get_credit(credit_id: UUID) -> Any:
    """One credit."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, credit_id)
    return as_one(row, "credit", bodies.credit)


def _answer(tx: Transaction, credit_id: UUID, status: int = 201) -> Any:
    row = stored.detail(tx.session, credit_id)
    headers = {"Location": f"/v1/credits/{credit_id}"} if status == 201 else None
    return tx.answer(
        None, bodies.credit(row), status, subject=row.customer_id, version=row.version,
        headers=headers,
    )  # fmt: skip


@credits.post("/v1/customers/<uuid:customer_id>/adjustments")
@credits.arguments(AdjustmentRequestSchema)
@credits.response(201, AdjustmentSchema)
@permission("adjustments.write")
def adjust_account(body: dict[str, Any], customer_id: UUID) -> Any:
    """Give money on account (`credit`), or ask for more (`debit`, a bill). Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules():
        if body["direction"] == "credit":
            given = crediting.adjust(
                tx.session, customer_id, body["amount"], body["reason"], settings(), tx.actor
            )
            row = stored.detail(tx.session, given)
            found = bodies.adjustment(row, row.created_at, credit_id=row.id)
        else:
            issued = billing.issue_by_hand(
                tx.session, _charge(tx, customer_id, body), settings(), tx.actor
            )
            row = bills.detail(tx.session, issued)
            found = bodies.adjustment(row, row.issued_at, bill_id=row.id)
        return tx.answer(None, found, 201, subject=customer_id)


def _charge(tx: Transaction, customer_id: UUID, body: dict[str, Any]) -> BillDraft:
    known = facts.customers(tx.session, [customer_id]).get(customer_id)
    if known is None:
        raise UnknownCustomer(customer_id)
    now = bills.now(tx.session)
    return BillDraft(
        customer_id=customer_id,
        currency=body["amount"].currency,
        items=(Item(description=f"Adjustment: {body['reason']}", amount=body["amount"].amount),),
        issued_at=now,
        due_at=domain.due_at(known.balance_control, now, settings().due_days),
    )


@credits.post("/v1/customers/<uuid:customer_id>/write-offs")
@credits.arguments(CreditRequestSchema)
@credits.response(201, CreditSchema)
@permission("write_offs.write")
def write_off(body: dict[str, Any], customer_id: UUID) -> Any:
    """Give up what is owed, all of it or a part, oldest bill first. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules():
        given = crediting.write_off(
            tx.session, customer_id, body.get("amount"), body["reason"], settings(), tx.actor
        )
        return _answer(tx, given)


@credits.post("/v1/bills/<uuid:bill_id>/credit-note")
@credits.arguments(CreditRequestSchema)
@credits.response(201, CreditSchema)
@permission("credit_notes.write")
def note_credit(body: dict[str, Any], bill_id: UUID) -> Any:
    """Take a part off a bill, or all that is left of it. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("bill"):
        given = crediting.credit_note(
            tx.session, bill_id, body.get("amount"), body["reason"], settings(), tx.actor
        )
        return _answer(tx, given)


@credits.post("/v1/credits/<uuid:credit_id>/reverse")
@credits.arguments(ReasonSchema)
@credits.response(200, CreditSchema)
@permission("credits.reverse")
def reverse_credit(body: dict[str, Any], credit_id: UUID) -> Any:
    """Take a credit back: what it covered is owed again. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("credit"):
        crediting.reverse(tx.session, credit_id, body["reason"], tx.actor)
        return _answer(tx, credit_id, 200)
