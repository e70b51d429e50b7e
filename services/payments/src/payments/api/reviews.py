"""`/v1/payment-reviews`, `/v1/gateway-refunds`, and how fast payments reach the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from payments import reviewing
from payments.api.answering import as_one, rules, settings
from payments.api.reaching import gateways
from payments.domain import Refused
from payments.gateways.registry import NotConfigured
from payments.persistence import claims as stored
from payments.persistence import gateway_refunds
from payments.persistence.gateway_tables import gateway_refund, payment_review
from payments.schemas import gateway_bodies as bodies
from payments.schemas.gateways import (
    ApproveSchema,
    RefundArguments,
    RefundPageSchema,
    RejectSchema,
    ReviewArguments,
    ReviewPageSchema,
    ReviewSchema,
    SpeedArguments,
    SpeedsSchema,
)
from shared.http import Blueprint, Transaction, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json
from shared.http.problems import invalid

reviews = Blueprint("payment-reviews", __name__, description="Money that somebody has to look at")
SORTABLE = {"opened_at": payment_review.c.opened_at}
TITLES = {"bkash": "bKash", "nagad": "Nagad", "sslcommerz": "SSLCommerz", "stripe": "Stripe"}


@reviews.get("/v1/payment-reviews")
@reviews.arguments(ReviewArguments, location="query")
@reviews.response(200, ReviewPageSchema)
@permission("payment_reviews.read")
def list_reviews(arguments: dict[str, Any]) -> Any:
    """Newest first, with what to do; money of nobody known is shown to the root operator only."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.reviews(scope, arguments), arguments, sortable=SORTABLE,
            key=payment_review.c.id, default_sort="-opened_at",
        )  # fmt: skip
    return as_json(found.body(bodies.review), found.headers())


@reviews.get("/v1/payment-reviews/<uuid:review_id>")
@reviews.response(200, ReviewSchema)
@permission("payment_reviews.read")
def get_review(review_id: UUID) -> Any:
    """One review."""
    with database().transaction(principal().scope) as session:
        row = stored.review(session, review_id)
    return as_one(row, "payment review", bodies.review)


def _answer(tx: Transaction, review_id: UUID) -> Any:
    row = stored.review(tx.session, review_id)
    return tx.answer(None, bodies.review(row), subject=row.customer_id, version=row.version)


@reviews.post("/v1/payment-reviews/<uuid:review_id>/approve")
@reviews.arguments(ApproveSchema)
@reviews.response(200, ReviewSchema)
@permission("payment_reviews.decide")
def approve_review(body: dict[str, Any], review_id: UUID) -> Any:
    """Credit what was really paid. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("payment review"):
        seen = stored.review(tx.session, review_id)
        if seen is None:
            raise LookupError(review_id)
        try:
            reviewing.approve(
                tx.session, TITLES[seen.gateway], review_id, body.get("customer_id"),
                body["reason"], settings(), tx.actor,
            )  # fmt: skip
        except Refused as error:
            if error.code == "customer_needed":
                raise invalid("customer_id", error.detail, "missing") from error
            raise
        return _answer(tx, review_id)


@reviews.post("/v1/payment-reviews/<uuid:review_id>/reject")
@reviews.arguments(RejectSchema)
@reviews.response(200, ReviewSchema)
@permission("payment_reviews.decide")
def reject_review(body: dict[str, Any], review_id: UUID) -> Any:
    """Credit nothing; with `give_back` the gateway gives the money back. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("payment review"):
        seen = stored.review(tx.session, review_id)
        if seen is None:
            raise LookupError(review_id)
        try:
            gateway = gateways()[seen.gateway] if body["give_back"] else None
        except NotConfigured as error:
            raise invalid("give_back", str(error), "not_configured") from error
        reviewing.reject(
            tx.session, gateway, review_id, body["reason"], tx.actor, give_back=body["give_back"]
        )
        return _answer(tx, review_id)


@reviews.get("/v1/gateway-refunds")
@reviews.arguments(RefundArguments, location="query")
@reviews.response(200, RefundPageSchema)
@permission("payments.read")
def list_refunds(arguments: dict[str, Any]) -> Any:
    """Money on its way back through gateways, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, gateway_refunds.listed(scope, arguments), arguments,
            sortable={"created_at": gateway_refund.c.created_at}, key=gateway_refund.c.id,
            default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(bodies.refund), found.headers())


@reviews.get("/v1/reports/payment-to-internet")
@reviews.arguments(SpeedArguments, location="query")
@reviews.response(200, SpeedsSchema)
@permission("reports.read")
def report_speed(arguments: dict[str, Any]) -> Any:
    """From a gateway's word to the books, and from there to the internet, in seconds (C10, C18)."""
    end = arguments.get("to") or datetime.now(UTC)
    begin = arguments.get("from") or end - timedelta(days=30)
    scope = principal().scope
    with database().transaction(scope) as session:
        rows = stored.speed(session, scope, begin, end)
    return as_json({"items": [bodies.speed(row) for row in rows if row.payments]})
