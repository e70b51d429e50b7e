"""The operator tree and its API keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Response
from sqlalchemy import or_, select

from customers import operator_holds, views
from customers import operators as use
from customers.api.answers import answered
from customers.domain import ApiKey, Missing, Operator
from customers.persistence import operators as rows
from customers.persistence import tables
from customers.schemas.operators import (
    ApiKeySchema,
    ListedApiKeySchema,
    NewApiKeySchema,
    NewOperatorSchema,
    OperatorArguments,
    OperatorChangesSchema,
    OperatorHoldSchema,
    OperatorSchema,
)
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

operators = Blueprint("operators", __name__, description="Who runs the ISP: a tree of operators")
o = tables.operator.c


@operators.get("/v1/operators")
@operators.arguments(OperatorArguments, location="query")
@operators.response(200, page_of(OperatorSchema))
@permission("operators.read")
def list_operators(arguments: dict[str, Any]) -> Response:
    """The operators of the caller's branch."""
    scope = principal().scope
    query = select(tables.operator).where(scope.covers(o.operator_path))
    for name in ("role", "status", "parent_id"):
        if name in arguments:
            query = query.where(o[name] == arguments[name])
    if "q" in arguments:
        words = arguments["q"]
        query = query.where(
            or_(
                o.username.icontains(words, autoescape=True),
                o.name.icontains(words, autoescape=True),
            )
        )
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=o.id, default_sort="name",
            sortable={"name": o.name, "username": o.username, "created_at": o.created_at},
        )  # fmt: skip
    return answered(found.body(views.operator), headers=found.headers())


@operators.post("/v1/operators")
@operators.arguments(NewOperatorSchema)
@operators.response(201, OperatorSchema)
@permission("operators.write")
def add_operator(fields: dict[str, Any]) -> Response:
    """A new operator below the caller, or below `parent_id` in the caller's branch."""
    with transaction() as tx:
        made = use.add(tx.session, principal(), tx.actor, **fields)
        return tx.answer(None, views.operator(made), 201, version=made.version)


@operators.get("/v1/operators/<uuid:operator_id>")
@operators.response(200, OperatorSchema)
@permission("operators.read")
def get_operator(operator_id: UUID) -> Response:
    """One operator of the branch."""
    scope = principal().scope
    with database().transaction(scope) as session:
        found = rows.operator(session, scope, operator_id)
        body = views.one_operator(found, operator_holds.in_force(session, found))
    return answered(body, version=found.version)


@operators.patch("/v1/operators/<uuid:operator_id>")
@operators.arguments(OperatorChangesSchema)
@operators.response(200, OperatorSchema)
@permission("operators.write")
def change_operator(changes: dict[str, Any], operator_id: UUID) -> Response:
    """Name, role, status, password. A disabled operator cannot sign in, nor can anybody below."""
    with transaction() as tx:
        found = _locked(tx.session, operator_id)
        require_match(found.version)
        use.change(tx.session, principal(), tx.actor, found, changes)
        return tx.answer(None, views.operator(found), version=found.version)


def _locked(session: Any, operator_id: UUID) -> Operator:
    return rows.operator(session, principal().scope, operator_id, lock=True)


@operators.post("/v1/operators/<uuid:operator_id>/holds")
@operators.arguments(OperatorHoldSchema)
@operators.response(200, OperatorSchema)
@permission("operators.write")
def hold_operator(wish: dict[str, Any], operator_id: UUID) -> Response:
    """Block (`admin`, `fraud`) or suspend (`reseller`) every customer below, at once."""
    with transaction() as tx:
        found = _locked(tx.session, operator_id)
        operator_holds.hold(
            tx.session, principal(), tx.actor, found, wish["kind"], wish.get("reason"),
            wish.get("until"),
        )  # fmt: skip
        return _shown(tx, found)


@operators.delete("/v1/operators/<uuid:operator_id>/holds/<any(admin, fraud, reseller):kind>")
@operators.response(200, OperatorSchema)
@permission("operators.write")
def lift_operator_hold(operator_id: UUID, kind: str) -> Response:
    """Lift what the own branch set; twice changes nothing. 403 for one set from above."""
    with transaction() as tx:
        found = _locked(tx.session, operator_id)
        operator_holds.lift(tx.session, principal(), tx.actor, found, kind)
        return _shown(tx, found)


def _shown(tx: Transaction, operator: Operator) -> Response:
    body = views.one_operator(operator, operator_holds.in_force(tx.session, operator))
    return tx.answer(None, body, version=operator.version)


@operators.get("/v1/operators/<uuid:operator_id>/api-keys")
@operators.arguments(PlainPageArguments, location="query")
@operators.response(200, page_of(ListedApiKeySchema))
@permission("api_keys.write")
def list_api_keys(arguments: dict[str, Any], operator_id: UUID) -> Response:
    """The operator's keys, the revoked too; never the keys themselves."""
    scope, k = principal().scope, tables.api_key.c
    query = select(tables.api_key).where(k.operator_id == operator_id)
    with database().transaction(scope) as session:
        rows.operator(session, scope, operator_id)
        found = page(
            session, query, arguments, key=k.id, default_sort="-created_at",
            sortable={"created_at": k.created_at},
        )  # fmt: skip
    return answered(found.body(_key), headers=found.headers())


def _key(key: Any) -> dict[str, Any]:
    names = ("id", "name", "prefix", "scopes", "expires_at", "revoked_at", "created_at")
    return {name: getattr(key, name) for name in names}


@operators.post("/v1/operators/<uuid:operator_id>/api-keys")
@operators.arguments(NewApiKeySchema)
@operators.response(201, ApiKeySchema)
@permission("api_keys.write")
def add_api_key(fields: dict[str, Any], operator_id: UUID) -> Response:
    """A key that acts as this operator, narrowed to `scopes`. It is shown in this answer only.

    With an Idempotency-Key the stored answer holds no key: lost answers need a new one.
    """
    with transaction() as tx:
        found = _locked(tx.session, operator_id)
        key, shown = use.add_key(tx.session, tx.actor, found, **fields)
        response = tx.answer(None, _key(key), 201)
        response.set_data(orjson.dumps({**_key(key), "key": shown}, default=str))
        return response


@operators.delete("/v1/operators/<uuid:operator_id>/api-keys/<uuid:key_id>")
@operators.response(204)
@permission("api_keys.write")
def revoke_api_key(operator_id: UUID, key_id: UUID) -> Response:
    """Revoked at once here, and within a second in the other services."""
    with transaction() as tx:
        found = _locked(tx.session, operator_id)
        key = _key_of(tx.session, found, key_id)
        use.revoke_key(tx.session, tx.actor, found, key)
        return tx.answer(None, None, 204)


def _key_of(session: Any, operator: Operator, key_id: UUID) -> ApiKey:
    key = use.key_of(session, principal().scope, operator, key_id)
    if key is None:
        raise Missing("API key")
    return key
