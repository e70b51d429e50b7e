"""What the network was told about a customer, and what it has applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from radius_sync import persistence, simulating
from radius_sync.persistence import login
from radius_sync.schemas import DecisionArguments, DecisionSchema, SubscriberArguments
from radius_sync.schemas.subscribers import SubscriberSchema
from shared.digits import western
from shared.http import Blueprint, database, page, permission, principal
from shared.http.operating.answering import as_json, page_of
from shared.http.problems import invalid_parameter, not_found

subscribers = Blueprint("subscribers", __name__, description="Access of customers on the network")


@subscribers.get("/v1/subscribers")
@subscribers.arguments(SubscriberArguments, location="query")
@subscribers.response(200, page_of(SubscriberSchema))
@permission("subscribers.read")
def list_subscribers(arguments: dict[str, Any]) -> Any:
    """Logins of the caller's branch, each as if read alone; `q` is the beginning of the login."""
    scope = principal().scope
    query = select(login).where(scope.covers(login.c.operator_path))
    if "q" in arguments:
        query = query.where(persistence.matches_username(western(arguments["q"])))
    for name in ("access", "customer_id"):
        if name in arguments:
            query = query.where(login.c[name] == arguments[name])
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=login.c.username, default_sort="username",
            sortable={"username": login.c.username},
        )  # fmt: skip
        whole = {one["username"]: one for one in _whole(session, found.items)}
    return as_json(found.body(lambda row: whole[row.username]), found.headers())


@subscribers.get("/v1/subscribers/<username>")
@subscribers.response(200, SubscriberSchema)
@permission("subscribers.read")
def get_subscriber(username: str) -> Any:
    """Desired and applied rows, per target, and the facts they follow from."""
    scope = principal().scope
    with database().transaction(scope) as session:
        row = persistence.one_login(session, username, scope)
        if row is None:
            raise not_found("subscriber")
        (whole,) = _whole(session, [row])
    return as_json(whole)


@subscribers.get("/v1/subscribers/<username>/decision")
@subscribers.arguments(DecisionArguments, location="query")
@subscribers.response(200, DecisionSchema)
@permission("subscribers.read")
def simulate_login(arguments: dict[str, Any], username: str) -> Any:
    """What FreeRADIUS would answer this login now, given the right password, and which rows of its
    tables decide."""
    scope = principal().scope
    with database().transaction(scope) as session:
        row = persistence.one_login(session, username, scope)
        if row is None:
            raise not_found("subscriber")
        told = simulating.simulate(session, row.username, arguments)
        if told is None:
            raise invalid_parameter("nas_id", "no NAS has this id", "unknown")
    return told


def _whole(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """With what each login should have and has, and the facts that it follows from."""
    states = persistence.states_of_logins(session, [row.username for row in rows])
    facts = persistence.facts_of(session, [row.customer_id for row in rows])
    return [
        {
            **_brief(row),
            **states[row.username],
            "facts": _facts(facts[row.customer_id]) if row.customer_id in facts else None,
        }
        for row in rows
    ]


def _brief(row: Any) -> dict[str, Any]:
    return {
        "username": row.username,
        "customer_id": None if row.customer_id is None else str(row.customer_id),
        "access": row.access,
        "reason": row.reason,
        "rate": row.rate,
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }


def _facts(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (bool, int, list, str, type(None))) else str(value)
