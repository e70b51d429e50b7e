"""`/v1/payment-intents`: send a payer to a gateway, and learn what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from flask import Response, request

from payments import asking
from payments import intents as paying
from payments.api.answering import as_one, rules, settings
from payments.api.reaching import call_allowed, gateways, wanted
from payments.domain import Refused
from payments.gateways.interface import Declined
from payments.gateways.registry import NotConfigured
from payments.intents import Opening, Wanted
from payments.persistence import intents as stored
from payments.persistence.gateway_tables import payment_intent
from payments.schemas.gateway_bodies import intent as body_of
from payments.schemas.gateways import (
    IntentArguments,
    IntentPageSchema,
    IntentRequestSchema,
    IntentSchema,
    ReturnSchema,
)
from shared.http import (
    Blueprint,
    actor,
    database,
    page,
    permission,
    principal,
    public,
    transaction,
)
from shared.http.operating.answering import as_json
from shared.http.problems import invalid, invalid_parameter, not_found
from shared.http.transactions import idempotency_key

intents = Blueprint("payment-intents", __name__, description="Payers on their way to a gateway")
SORTABLE = {"created_at": payment_intent.c.created_at}
BUSY = Opening(silence="too many calls wait for gateways: the worker opens it")


@intents.post("/v1/payment-intents")
@intents.arguments(IntentRequestSchema)
@intents.response(201, IntentSchema)
@permission("payment_intents.write")
def create_intent(body: dict[str, Any]) -> Any:
    """Have a gateway open a page to pay on; Idempotency-Key required.

    The row is written first, then the gateway is called, then the answer is given: whatever dies in
    between, the same key finds the same intent, and the poller finds how it ended.
    """
    gateway = wanted(body["gateway"])
    caller, key = principal(), idempotency_key(required=True)
    asked = Wanted(
        customer_id=body["customer_id"],
        money=body["amount"],
        return_url=body.get("return_url"),
        request_key=f"{caller.role}:{caller.id or caller.name} {key}",
    )
    with rules(), field_errors(), database().transaction(caller.scope) as session:
        intent = paying.create(session, gateway, asked, settings(), actor())
    opening = None
    if intent.state == "created":
        with call_allowed() as mine:
            opening = paying.call_open(gateway, intent, settings()) if mine else BUSY
    with transaction(key_required=True) as tx:
        if opening is not None:
            paying.note_opening(tx.session, intent, opening)
        row = stored.detail(tx.session, intent.id)
        return tx.answer(
            None, body_of(row), 201, subject=row.customer_id, version=row.version,
            headers={"Location": f"/v1/payment-intents/{row.id}"},
        )  # fmt: skip


@contextmanager
def field_errors(currency: str = "amount.currency") -> Iterator[None]:
    """What stands against the amount or the key, by the field that it is about."""
    try:
        yield
    except Declined as error:
        field = currency if error.code == "currency" else "amount.amount"
        raise invalid(field, str(error).partition(": ")[2], error.code) from error
    except Refused as error:
        if error.code == "reused":
            raise invalid_parameter("Idempotency-Key", error.detail, "reused") from error
        raise


@intents.get("/v1/payment-intents")
@intents.arguments(IntentArguments, location="query")
@intents.response(200, IntentPageSchema)
@permission("payments.read")
def list_intents(arguments: dict[str, Any]) -> Any:
    """Those of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope, arguments), arguments, sortable=SORTABLE,
            key=payment_intent.c.id, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(body_of), found.headers())


@intents.get("/v1/payment-intents/<uuid:intent_id>")
@intents.response(200, IntentSchema)
@permission("payments.read")
def get_intent(intent_id: UUID) -> Any:
    """One intent and where it stands."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, intent_id)
    return as_one(row, "payment intent", body_of)


@intents.get("/v1/payment-intents/<uuid:intent_id>/return")
@intents.response(200, ReturnSchema)
@intents.alt_response(303, description="To the front end's return_url")
@public
def return_from_gateway(intent_id: UUID) -> Any:
    """Where a gateway sends the payer's browser. What the query says is not looked at."""
    return _returned(intent_id)


@intents.post("/v1/payment-intents/<uuid:intent_id>/return")
@intents.response(200, ReturnSchema)
@intents.alt_response(303, description="To the front end's return_url")
@public
def return_from_gateway_by_form(intent_id: UUID) -> Any:
    """As with GET; SSLCommerz has the browser post a form, which is not looked at either."""
    return _returned(intent_id)


def _returned(intent_id: UUID) -> Any:
    with database().transaction() as session:
        intent = stored.find(session, intent_id)
    if intent is None:
        raise not_found("payment intent")
    # Switched off meanwhile: what was paid is found when the gateway is on again.
    with suppress(NotConfigured), call_allowed() as mine:
        if mine:
            asking.came_back(database(), gateways()[intent.gateway], intent_id, settings())
        else:
            with database().transaction() as session:
                stored.ask_soon(session, intent_id, timedelta(0))
    with database().transaction() as session:
        intent = stored.find(session, intent_id)
    if intent.return_url is not None:
        return Response(status=303, headers={"Location": _onward(intent)})
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return Response(_page(intent.state), content_type="text/html; charset=utf-8")
    return as_json({"state": intent.state})


def _onward(intent: Any) -> str:
    parts = urlsplit(str(intent.return_url))
    added = urlencode({"payment_intent": str(intent.id), "state": intent.state})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}".lstrip("&")))


SAID = {
    "succeeded": "Thank you. Your payment has arrived.",
    "created": "Your payment is being looked up.",
    "pending": "Your payment is being looked up. This page looks again by itself.",
    "needs_review": "Your payment has arrived and is being checked by your provider.",
    "failed": "Nothing was paid.",
    "expired": "Nothing was paid in time.",
}


def _page(state: str) -> str:
    again = '<meta http-equiv="refresh" content="4">' if state in ("created", "pending") else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        f"<title>Payment</title></head><body><p>{escape(SAID[state])}</p></body></html>"
    )
