"""Sessions live and past, and their disconnects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import text

from radius_sync import persistence
from radius_sync.api.records import plain, session_record
from radius_sync.persistence import nas, order, owner, radacct
from radius_sync.schemas import (
    DisconnectArguments,
    ReasonSchema,
    SessionArguments,
)
from radius_sync.schemas.sessions import (
    DisconnectDetailSchema,
    DisconnectSchema,
    SessionPageSchema,
)
from shared import operations
from shared.http import Blueprint, Problem, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json, page_of
from shared.http.problems import not_found

sessions = Blueprint("sessions", __name__, description="Sessions and how they were ended")


@sessions.get("/v1/sessions")
@sessions.arguments(SessionArguments, location="query")
@sessions.response(200, SessionPageSchema)
@permission("sessions.read")
def list_sessions(arguments: dict[str, Any]) -> Any:
    """Newest first. A session counts for whom the login belonged to when it began."""
    scope = principal().scope
    query = persistence.sessions(scope)
    if "username" in arguments:
        query = query.where(radacct.c.username == arguments["username"].lower())
    if "nas_id" in arguments:
        query = query.where(nas.c.id == arguments["nas_id"])
    if "customer_id" in arguments:
        query = query.where(owner.c.customer_id == arguments["customer_id"])
    if "open" in arguments:
        stop = radacct.c.acctstoptime
        query = query.where(stop.is_(None) if arguments["open"] else stop.is_not(None))
    return _listed(query, arguments, scope)


def _listed(query: Any, arguments: dict[str, Any], scope: Any) -> Any:
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=radacct.c.radacctid, default_sort="-id",
            sortable={"id": radacct.c.radacctid},
        )  # fmt: skip
    return as_json(found.body(session_record), found.headers())


@sessions.post("/v1/sessions/<int:session_id>/disconnect")
@sessions.arguments(ReasonSchema)
@sessions.response(202, DisconnectSchema)
@permission("sessions.disconnect")
def disconnect_session(values: dict[str, Any], session_id: int) -> Response:
    """End one session; who may be online may dial in again."""
    scope = principal().scope
    with transaction() as tx:
        query = persistence.sessions(scope).where(radacct.c.radacctid == session_id)
        found = tx.session.execute(query).first()
        if found is None:
            raise not_found("session")
        if found.acctstoptime is not None:
            raise Problem(409, "ended", "The session has ended", "There is nothing to disconnect.")
        order_id = tx.session.scalar(
            _ORDER,
            {"id": session_id, "customer": found.customer_id, "path": found.operator_path or ""},
        )
        operations.record(
            tx.session, tx.actor, "session.disconnect", "customer", found.customer_id,
            operator_path=found.operator_path or "", reason=values["reason"] or None,
            after={"session": found.acctsessionid, "nas": found.nasipaddress},
        )  # fmt: skip
        row = tx.session.execute(persistence.orders(scope).where(order.c.id == order_id)).one()
        place = {"Location": f"/v1/disconnects/{order_id}"}
        return tx.answer(None, _order(row), 202, subject=found.customer_id, headers=place)


_ORDER = text(
    "INSERT INTO disconnect_order AS d (id, acctuniqueid, acctsessionid, nas_address, username,"
    " framed_address, session_started_at, customer_id, operator_path, kind, generation, reason)"
    " SELECT gen_random_uuid(), acctuniqueid, acctsessionid, nasipaddress, coalesce(username, ''),"
    " framedipaddress, acctstarttime, :customer, :path, 'disconnect', -1, 'operator'"
    " FROM radacct WHERE radacctid = :id ON CONFLICT (acctuniqueid, kind, generation) DO UPDATE SET"
    " state = CASE WHEN d.state IN ('sent', 'due') THEN d.state ELSE 'due' END,"
    " not_before = least(d.not_before, now()), finished_at = NULL RETURNING id"
)


@sessions.get("/v1/disconnects")
@sessions.arguments(DisconnectArguments, location="query")
@sessions.response(200, page_of(DisconnectSchema))
@permission("sessions.read")
def list_disconnects(arguments: dict[str, Any]) -> Any:
    """Orders to end or change a session, with the last attempt: NAS, code, Error-Cause, round trip."""
    scope = principal().scope
    query = persistence.orders(scope)
    for name in ("state", "username", "customer_id"):
        if name in arguments:
            query = query.where(order.c[name] == arguments[name])
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=order.c.id, default_sort="-created_at",
            sortable={"created_at": order.c.created_at},
        )  # fmt: skip
    return as_json(found.body(_order), found.headers())


@sessions.get("/v1/disconnects/<uuid:order_id>")
@sessions.response(200, DisconnectDetailSchema)
@permission("sessions.read")
def get_disconnect(order_id: UUID) -> Any:
    """One order with all its attempts."""
    scope = principal().scope
    with database().transaction(scope) as session:
        row = session.execute(persistence.orders(scope).where(order.c.id == order_id)).one_or_none()
        if row is None:
            raise not_found("disconnect")
        attempts = session.execute(
            text("SELECT * FROM disconnect_attempt WHERE order_id = :id ORDER BY id"),
            {"id": order_id},
        ).all()
    return as_json({**_order(row), "attempts": [plain(dict(a._mapping)) for a in attempts]})


def _order(row: Any) -> dict[str, Any]:
    names = (
        "id kind change reason state attempts username customer_id nas_address acctsessionid"
        " session_started_at confirmed_by outcome advice created_at finished_at last_attempt"
    )
    return plain({name: getattr(row, name) for name in names.split()})
