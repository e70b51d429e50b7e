"""Webhook endpoints: where they are, whether they answer, what was sent, sending it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Response
from sqlalchemy import column, select, table

from customers.api.answers import answered, settings
from customers.domain import NotAllowed, NotValid
from customers.schemas.webhooks import (
    DeliveryArguments,
    DeliverySchema,
    EndpointChangesSchema,
    EndpointSchema,
    NewEndpointSchema,
    PingedSchema,
    ReplayedSchema,
    ReplaySchema,
)
from customers.webhooks import delivering, endpoints, sending
from shared.http import (
    Blueprint,
    PlainPageArguments,
    Transaction,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.operating.answering import page_of

webhooks = Blueprint("webhooks", __name__, description="Events sent to a front end, signed")
PLACE = "/v1/webhook-endpoints/<uuid:endpoint_id>"
SENT = ("id", "source", "event_id", "type", "subject", "occurred_at", "state", "attempts", "due_at",
        "last_at", "last_status", "last_error")  # fmt: skip
delivery = table("webhook_delivery", column("endpoint_id"), *(column(name) for name in SENT))


def _check(fields: dict[str, Any]) -> None:
    if principal().id is None or not principal().may("events.read"):
        raise NotAllowed("Who has events sent may read them: this needs events.read too.")
    try:
        if "url" in fields:
            sending.check(fields["url"], private=settings().webhooks_private)
    except sending.NotAllowed as error:
        raise NotValid("url", str(error)) from error


@webhooks.get("/v1/webhook-endpoints")
@webhooks.arguments(PlainPageArguments, location="query")
@webhooks.response(200, page_of(EndpointSchema))
@permission("webhooks.write")
def list_endpoints(arguments: dict[str, Any]) -> Response:
    """The endpoints of the branch, the latest first; never their secrets."""
    scope, e = principal().scope, endpoints.endpoint.c
    query = select(endpoints.endpoint).where(scope.covers(e.operator_path))
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=e.id, default_sort="-created_at",
            sortable={"created_at": e.created_at},
        )  # fmt: skip
    return answered(found.body(endpoints.body), headers=found.headers())


def _with_secret(tx: Transaction, found: Any, secret: str, status: int) -> Response:
    """The secret is in this answer only, and not in its stored copy."""
    body = endpoints.body(found)
    response = tx.answer(None, body, status, version=found.version)
    response.set_data(orjson.dumps({**body, "secret": secret}, default=str))
    return response


@webhooks.post("/v1/webhook-endpoints")
@webhooks.arguments(NewEndpointSchema)
@webhooks.response(201, EndpointSchema)
@permission("webhooks.write")
def add_endpoint(fields: dict[str, Any]) -> Response:
    """Have the events of the own branch sent to an https address, from now on.

    Signed as Standard Webhooks says, with the secret of this answer. Delivery is at least once and in
    no order: `webhook-id` is the event's id, `sequence` tells what is newer. A message that is not
    answered with 2xx within 15 s is tried ten times over three days; an endpoint that took nothing for
    five days is disabled.
    """
    _check(fields)
    with transaction() as tx:
        found, secret = endpoints.add(tx.session, tx.actor, fields, settings().secret_key)
        return _with_secret(tx, found, secret, 201)


@webhooks.get(PLACE)
@webhooks.response(200, EndpointSchema)
@permission("webhooks.write")
def get_endpoint(endpoint_id: UUID) -> Response:
    """One endpoint of the branch."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = endpoints.read(session, scope, endpoint_id)
    return answered(endpoints.body(found), version=found.version)


@webhooks.patch(PLACE)
@webhooks.arguments(EndpointChangesSchema)
@webhooks.response(200, EndpointSchema)
@permission("webhooks.write")
def change_endpoint(changes: dict[str, Any], endpoint_id: UUID) -> Response:
    """Address, types, description; rest it or wake it."""
    _check(changes)
    with transaction() as tx:
        found = endpoints.read(tx.session, principal().scope, endpoint_id, lock=True)
        require_match(found.version)
        changed = endpoints.change(tx.session, tx.actor, found, changes)
        return tx.answer(None, endpoints.body(changed), version=changed.version)


@webhooks.delete(PLACE)
@webhooks.response(204)
@permission("webhooks.write")
def remove_endpoint(endpoint_id: UUID) -> Response:
    """Nothing more is sent there."""
    with transaction() as tx:
        found = endpoints.read(tx.session, principal().scope, endpoint_id, lock=True)
        require_match(found.version)
        endpoints.remove(tx.session, tx.actor, found)
        return tx.answer(None, None, 204)


@webhooks.post(f"{PLACE}/rotate-secret")
@webhooks.response(200, EndpointSchema)
@permission("webhooks.write")
def rotate_secret(endpoint_id: UUID) -> Response:
    """Another secret, in this answer only; for 24 hours the one before signs too."""
    with transaction() as tx:
        found = endpoints.read(tx.session, principal().scope, endpoint_id, lock=True)
        rotated, secret = endpoints.rotate(tx.session, tx.actor, found, settings().secret_key)
        return _with_secret(tx, rotated, secret, 200)


@webhooks.post(f"{PLACE}/ping")
@webhooks.response(200, PingedSchema)
@permission("webhooks.write")
def ping_endpoint(endpoint_id: UUID) -> Response:
    """Send a `webhook.ping` now, once, and tell what came of it."""
    with transaction() as tx:
        found = endpoints.read(tx.session, principal().scope, endpoint_id)
        endpoints.log(tx.session, tx.actor, "webhook_endpoint.pinged", found, None)
        signing = endpoints.signing(tx.session, endpoint_id)
        response = tx.answer(None, {})
    outcome = delivering.ping(settings(), signing)
    body = {
        "delivered": outcome.delivered,
        "status": outcome.status,
        "error": outcome.error,
    }
    response.set_data(orjson.dumps(body))
    return response


@webhooks.get(f"{PLACE}/deliveries")
@webhooks.arguments(DeliveryArguments, location="query")
@webhooks.response(200, page_of(DeliverySchema))
@permission("webhooks.write")
def list_deliveries(arguments: dict[str, Any], endpoint_id: UUID) -> Response:
    """What was sent, or is to be, the latest event first; kept for 30 days."""
    scope, d = principal().scope, delivery.c
    query = select(delivery).where(d.endpoint_id == endpoint_id)
    for name in ("state", "type"):
        if name in arguments:
            query = query.where(d[name] == arguments[name])
    with database().transaction(scope) as session:
        endpoints.read(session, scope, endpoint_id)
        found = page(
            session, query, arguments, key=d.id, default_sort="-occurred_at",
            sortable={"occurred_at": d.occurred_at},
        )  # fmt: skip
    return answered(
        found.body(lambda row: {name: getattr(row, name) for name in SENT}),
        headers=found.headers(),
    )


@webhooks.post(f"{PLACE}/replay")
@webhooks.arguments(ReplaySchema)
@webhooks.response(200, ReplayedSchema)
@permission("webhooks.write")
def replay(wish: dict[str, Any], endpoint_id: UUID) -> Response:
    """Send again what was given up (or delivered), by time or by id, under the same `webhook-id`."""
    with transaction() as tx:
        found = endpoints.read(tx.session, principal().scope, endpoint_id, lock=True)
        number = delivering.replay(tx.session, endpoint_id, wish)
        endpoints.log(
            tx.session, tx.actor, "webhook_endpoint.replayed", found, None, replayed=number
        )
        return tx.answer(None, {"replayed": number})
