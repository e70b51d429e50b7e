"""`/v1/payment-methods`: a customer stores a card or wallet at a gateway, for automatic payments (C29)."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from flask import Response, request

from payments import enrolling
from payments.api.answering import as_one, rules, settings
from payments.api.intents import BUSY, field_errors
from payments.api.reaching import call_allowed, gateways, wanted
from payments.gateways.registry import NotConfigured
from payments.persistence import methods as stored
from payments.persistence.accounts import balance
from payments.persistence.gateway_tables import payment_method
from payments.schemas.gateway_bodies import method as body_of
from payments.schemas.methods import (
    MethodArguments,
    MethodPageSchema,
    MethodRequestSchema,
    MethodReturnSchema,
    MethodSchema,
)
from shared.http import (
    Blueprint,
    actor,
    database,
    page,
    permission,
    principal,
    public,
    require_match,
    transaction,
)
from shared.http.operating.answering import as_json
from shared.http.problems import not_found
from shared.http.transactions import idempotency_key

methods = Blueprint("payment-methods", __name__, description="Methods that customers have stored")
SORTABLE = {"created_at": payment_method.c.created_at}


@methods.post("/v1/customers/<uuid:customer_id>/payment-methods")
@methods.arguments(MethodRequestSchema)
@methods.response(201, MethodSchema)
@permission("payment_intents.write")
def store_method(body: dict[str, Any], customer_id: UUID) -> Any:
    """Have a gateway open a page to store a method on; Idempotency-Key required.

    Once stored it takes the place of the customer's former one, and what is due is charged by it when
    the customer has `auto_payment`.
    """
    gateway = wanted(body["gateway"])
    caller, key = principal(), idempotency_key(required=True)
    asked = enrolling.Wanted(
        customer_id=customer_id,
        return_url=body.get("return_url"),
        request_key=f"{caller.role}:{caller.id or caller.name} {key}",
    )
    with rules(), field_errors("gateway"), database().transaction(caller.scope) as session:
        row = enrolling.create(session, gateway, asked, settings(), actor())
        currency = balance(session, customer_id).currency
    opening = None
    if row.state == "created":
        with call_allowed() as mine:
            opening = enrolling.call_enrol(gateway, row, currency, settings()) if mine else BUSY
    with transaction(key_required=True) as tx:
        if opening is not None:
            enrolling.note_opening(tx.session, row, opening)
        row = stored.detail(tx.session, row.id)
        return tx.answer(
            None, body_of(row), 201, subject=row.customer_id, version=row.version,
            headers={"Location": f"/v1/payment-methods/{row.id}"},
        )  # fmt: skip


@methods.get("/v1/payment-methods")
@methods.arguments(MethodArguments, location="query")
@methods.response(200, MethodPageSchema)
@permission("payments.read")
def list_methods(arguments: dict[str, Any]) -> Any:
    """Those of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope, arguments), arguments, sortable=SORTABLE,
            key=payment_method.c.id, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(body_of), found.headers())


@methods.get("/v1/payment-methods/<uuid:method_id>")
@methods.response(200, MethodSchema)
@permission("payments.read")
def get_method(method_id: UUID) -> Any:
    """One method and where it stands."""
    with database().reading(principal().scope) as session:
        row = stored.detail(session, method_id)
    return as_one(row, "payment method", body_of)


@methods.delete("/v1/payment-methods/<uuid:method_id>")
@methods.response(200, MethodSchema)
@permission("payment_intents.write")
def remove_method(method_id: UUID) -> Any:
    """Nothing is charged by it from now on; the gateway is told to forget it next."""
    with transaction() as tx, rules("payment method"):
        row = stored.detail(tx.session, method_id)
        if row is None:
            raise not_found("payment method")
        require_match(row.version)
        enrolling.remove(tx.session, method_id, tx.actor)
        row = stored.detail(tx.session, method_id)
        return tx.answer(None, body_of(row), subject=row.customer_id, version=row.version)


@methods.get("/v1/payment-methods/<uuid:method_id>/return")
@methods.response(200, MethodReturnSchema)
@methods.alt_response(303, description="To the front end's return_url")
@public
def return_from_storing(method_id: UUID) -> Any:
    """Where a gateway sends the payer's browser. What the query says is not looked at."""
    with database().transaction() as session:
        row = stored.find(session, method_id)
    if row is None or row.customer_id is None:
        raise not_found("payment method")
    with suppress(NotConfigured), call_allowed() as mine:
        if mine:
            enrolling.came_back(database(), gateways()[row.gateway], method_id, settings())
        else:
            with database().transaction() as session:
                stored.ask_soon(session, method_id)
    with database().transaction() as session:
        row = stored.find(session, method_id)
    if row.return_url is not None:
        return Response(status=303, headers={"Location": _onward(row)})
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return Response(_page(row.state), content_type="text/html; charset=utf-8")
    return as_json({"state": row.state})


def _onward(row: Any) -> str:
    parts = urlsplit(str(row.return_url))
    added = urlencode({"payment_method": str(row.id), "state": row.state})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}".lstrip("&")))


SAID = {"active": "Thank you. Your method of payment is stored."}


def _page(state: str) -> str:
    waits = state in stored.OPEN
    said = "This page looks again by itself." if waits else SAID.get(state, "Nothing was stored.")
    again = '<meta http-equiv="refresh" content="4">' if waits else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        f"<title>Payment</title></head><body><p>{escape(said)}</p></body></html>"
    )
