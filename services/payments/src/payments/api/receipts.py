"""`/v1/payments/{id}/receipt`, and the public question whether a receipt is genuine."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, request

from payments import receipts as printing
from payments.api.answering import settings
from payments.persistence import payments as stored
from payments.schemas import bodies
from payments.schemas.answers import ReceiptSchema, VerificationSchema
from payments.schemas.requests import VerifyArguments
from shared.http import Blueprint, database, permission, principal, public
from shared.http.operating.answering import as_json
from shared.http.problems import not_found

receipts = Blueprint("receipts", __name__, description="Proof of a payment")


@receipts.get("/v1/payments/<uuid:payment_id>/receipt")
@receipts.response(200, ReceiptSchema)
@permission("payments.read")
def get_receipt(payment_id: UUID) -> Any:
    """As JSON, or as a page to print with `Accept: text/html`."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, payment_id)
    if row is None:
        raise not_found("payment")
    body = {
        "number": row.receipt_number,
        "verification_code": printing.code(row.id, settings().digest_key),
        "payment_id": row.id,
        "customer_name": row.customer_name,
        "customer_number": row.customer_number,
        "username": row.username,
        "amount": bodies.money(row.amount, row.currency),
        "refunded": bodies.money(row.refunded, row.currency),
        "method": row.method,
        "transaction_reference": row.transaction_reference,
        "paid_at": row.paid_at.astimezone(UTC),
        "recorded_at": row.recorded_at.astimezone(UTC),
        "received_by": row.operator_name,
        "status": row.status,
        "allocations": [bodies.allocation(one, row.currency) for one in row.allocations],
    }
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    if best == "text/html":
        body["paid_at"] = row.paid_at.astimezone(ZoneInfo(settings().time_zone))
        return Response(printing.page(body), content_type="text/html; charset=utf-8")
    return as_json(body)


@receipts.get("/v1/receipts/verify")
@receipts.arguments(VerifyArguments, location="query")
@receipts.response(200, VerificationSchema)
@public
def verify_receipt(arguments: dict[str, Any]) -> Any:
    """Whether a printed receipt is genuine, and what has become of its payment. For everybody."""
    with database().transaction() as session:
        row = printing.verify(
            session, arguments["number"], arguments["code"], settings().digest_key
        )
    if row is None:
        return as_json({"genuine": False})
    return as_json(
        {
            "genuine": True,
            "amount": bodies.money(row.amount, row.currency),
            "paid_at": row.paid_at,
            "status": row.status,
        }
    )
