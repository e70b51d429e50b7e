"""The registry of network access servers. Secrets go in and never come out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from radius_sync import inventory, probing, registry
from radius_sync.persistence import addressed
from radius_sync.persistence import nas as device
from radius_sync.schemas import (
    SECRET_OCTETS,
    NasChangeSchema,
    NasNewSchema,
    NasSchema,
    NasTestSchema,
    check_address,
)
from radius_sync.settings import Settings
from radius_sync.vendors import warnings
from shared.http import (
    Blueprint,
    PageArguments,
    Problem,
    database,
    page,
    permission,
    require_match,
    transaction,
)
from shared.http.operating.answering import as_json, page_of
from shared.http.problems import invalid, not_found

nas = Blueprint("nas", __name__, description="Network access servers")
QUERY = select(*(c for c in device.c if c.name != "address"), addressed(device.c.address))


def _settings() -> Settings:
    settings: Settings = current_app.extensions["tenure.settings"]
    return settings


def _dump(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    silent = row.breaker_until is not None and row.breaker_until > datetime.now(UTC)
    values["state"] = "silent" if silent else "reachable" if row.last_answer_at else "unknown"
    values["warnings"] = warnings(row.vendor, row.rate_policy)
    return values


def _check(values: dict[str, Any]) -> None:
    demo = _settings().demo
    if "address" in values:
        try:
            check_address(values["address"], loopback=demo)
        except ma.ValidationError as error:
            raise invalid("address", str(error.messages[0])) from error
    if "secret" in values and len(values["secret"].encode()) < SECRET_OCTETS and not demo:
        raise invalid("secret", f"at least {SECRET_OCTETS} octets: openssl rand -hex 16")
    if values.get("sessions_url"):
        try:
            inventory.check_url(values["sessions_url"], loopback=demo)
        except ValueError as error:
            raise invalid("sessions_url", str(error)) from error


@nas.get("/v1/nas")
@nas.arguments(PageArguments, location="query")
@nas.response(200, page_of(NasSchema))
@permission("nas.read")
def list_nas(arguments: dict[str, Any]) -> Any:
    """All of the site; `q` matches the beginning of the name."""
    query = QUERY
    if "q" in arguments:
        query = query.where(
            func.lower(device.c.name).startswith(arguments["q"].lower(), autoescape=True)
        )
    with database().transaction() as session:
        found = page(
            session, query, arguments, key=device.c.id, default_sort="name",
            sortable={"name": device.c.name, "created_at": device.c.created_at},
        )  # fmt: skip
    return as_json(found.body(lambda row: NasSchema().dump(_dump(row))), found.headers())


@nas.post("/v1/nas")
@nas.arguments(NasNewSchema)
@nas.response(201, NasSchema)
@permission("nas.write")
def register_nas(values: dict[str, Any]) -> Any:
    """Register a NAS; sessions that waited for it are told at once."""
    _check(values)
    with transaction() as tx:
        try:
            with tx.session.begin_nested():
                nas_id = registry.register(tx.session, values, _settings().secret_key, tx.actor)
        except IntegrityError as error:
            raise _taken() from error
        row = tx.session.execute(QUERY.where(device.c.id == nas_id)).one()
        return tx.answer(NasSchema(), _dump(row), 201, version=row.version)


@nas.get("/v1/nas/<uuid:nas_id>")
@nas.response(200, NasSchema)
@permission("nas.read")
def get_nas(nas_id: UUID) -> Any:
    """One NAS, without its secret."""
    with database().transaction() as session:
        row = _row(session, nas_id)
    return _dump(row), 200, {"ETag": f'"{row.version}"'}


@nas.patch("/v1/nas/<uuid:nas_id>")
@nas.arguments(NasChangeSchema)
@nas.response(200, NasSchema)
@permission("nas.write")
def change_nas(values: dict[str, Any], nas_id: UUID) -> Any:
    """Change what is given; the secret too."""
    _check(values)
    with transaction() as tx:
        require_match(_row(tx.session, nas_id).version)
        try:
            with tx.session.begin_nested():
                registry.change(tx.session, nas_id, values, _settings().secret_key, tx.actor)
        except IntegrityError as error:
            raise _taken() from error
        row = _row(tx.session, nas_id)
        return tx.answer(NasSchema(), _dump(row), version=row.version)


@nas.delete("/v1/nas/<uuid:nas_id>")
@nas.response(204)
@permission("nas.write")
def remove_nas(nas_id: UUID) -> Any:
    """It gets no Disconnects any more."""
    with transaction() as tx:
        require_match(_row(tx.session, nas_id).version)
        registry.remove(tx.session, nas_id, tx.actor)
        return tx.answer(None, None, 204)


@nas.post("/v1/nas/<uuid:nas_id>/test")
@nas.response(200, NasTestSchema)
@permission("nas.write")
def test_nas(nas_id: UUID) -> Any:
    """Ask the NAS to end a session that does not exist: 503 is the answer of one that works. One
    that is silent is asked in other ways, to tell a wrong clock or secret from an absent NAS."""
    with database().transaction() as session:
        _row(session, nas_id)
        prepared = probing.prepare(session, nas_id, _settings().secret_key)
    return probing.probe(prepared)


def _row(session: Any, nas_id: UUID) -> Any:
    row = session.execute(QUERY.where(device.c.id == nas_id)).one_or_none()
    if row is None:
        raise not_found("NAS")
    return row


def _taken() -> Problem:
    detail = "another NAS has this address or this name; change that one, or give others"
    return Problem(
        409, "taken", "Already registered", "Another NAS has this address or this name.",
        errors=[{"pointer": f"/{field}", "code": "taken", "detail": detail}
                for field in ("address", "name")],
    )  # fmt: skip
