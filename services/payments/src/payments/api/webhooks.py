"""`/v1/webhooks/{gateway}`, open to gateways, and `/v1/webhook-deliveries`, what came there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from payments import webhooks as receiving
from payments.api.answering import as_one, rules
from payments.api.reaching import addressed
from payments.persistence import deliveries as stored
from payments.persistence.gateway_tables import webhook_delivery
from payments.schemas.gateway_bodies import delivery, delivery_detail
from payments.schemas.gateways import (
    DeliveryArguments,
    DeliveryDetailSchema,
    DeliveryPageSchema,
    ReceivedSchema,
)
from shared.http import (
    Blueprint,
    Problem,
    client_address,
    database,
    page,
    permission,
    principal,
    public,
    transaction,
)
from shared.http.operating.answering import as_json

webhooks = Blueprint("webhooks", __name__, description="What gateways tell us")
SORTABLE = {"received_at": webhook_delivery.c.received_at}


@webhooks.post("/v1/webhooks/<gateway>")
@webhooks.response(200, ReceivedSchema)
@public
def receive_webhook(gateway: str) -> Any:
    """Kept, verified, answered; worked on afterwards, so that no failure of ours loses it.

    A body up to 256 KiB. 401 for what the gateway has not signed; 429 after many of those.
    """
    found = addressed(gateway)
    request.max_content_length = receiving.MOST_BODY
    came = receiving.receive(
        database(), found, client_address(), dict(request.headers), request.get_data(cache=False)
    )
    if came.verdict == "forged":
        raise Problem(401, "not-genuine", "Not genuine", "This was not signed by the gateway.")
    if came.verdict == "too_many":
        raise Problem(
            429, "too-many-requests", "Too many requests", "Too many unsigned requests from you.",
            headers={"Retry-After": "60"},
        )  # fmt: skip
    return as_json({"received": True})


@webhooks.get("/v1/webhook-deliveries")
@webhooks.arguments(DeliveryArguments, location="query")
@webhooks.response(200, DeliveryPageSchema)
@permission("webhooks.read")
def list_deliveries(arguments: dict[str, Any]) -> Any:
    """Newest first; what belongs to no customer yet is shown to the root operator only."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope, arguments), arguments, sortable=SORTABLE,
            key=webhook_delivery.c.id, default_sort="-received_at",
        )  # fmt: skip
    return as_json(found.body(delivery), found.headers())


@webhooks.get("/v1/webhook-deliveries/<uuid:delivery_id>")
@webhooks.response(200, DeliveryDetailSchema)
@permission("webhooks.read")
def get_delivery(delivery_id: UUID) -> Any:
    """One delivery with its headers and body."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, delivery_id)
    return as_one(row, "webhook delivery", delivery_detail)


@webhooks.post("/v1/webhook-deliveries/<uuid:delivery_id>/replay")
@webhooks.response(202, DeliveryDetailSchema)
@permission("webhooks.write")
def replay_delivery(delivery_id: UUID) -> Any:
    """Have it worked on again, by the worker; nothing is credited twice by that."""
    with transaction() as tx, rules("webhook delivery"):
        receiving.replay(tx.session, delivery_id, tx.actor)
        row = stored.detail(tx.session, delivery_id)
        return tx.answer(
            None, delivery_detail(row), 202, subject=row.customer_id, version=row.version
        )
