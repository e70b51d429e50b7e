"""The walled garden: for each cause, the pool its customers get their address from."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import text

from radius_sync import walled_garden
from radius_sync.schemas import WalledCauseSchema, WalledGardenSchema, WalledPoolSchema
from shared.http import Blueprint, database, permission, require_match, transaction
from shared.http.problems import not_found

garden = Blueprint("walled_garden", __name__, description="Where those go who have to pay first")
_ALL = text("SELECT * FROM walled_cause ORDER BY reason")
_ONE = text("SELECT * FROM walled_cause WHERE reason = :reason")


@garden.get("/v1/walled-garden")
@garden.response(200, WalledGardenSchema)
@permission("walled_garden.read")
def list_causes() -> Any:
    """Every cause; one without a pool leaves the address to the NAS."""
    with database().transaction() as session:
        return {"causes": session.execute(_ALL).all()}


@garden.get("/v1/walled-garden/<reason>")
@garden.response(200, WalledCauseSchema)
@permission("walled_garden.read")
def get_cause(reason: str) -> Any:
    """One cause, with its version as ETag."""
    with database().transaction() as session:
        row = _row(session, reason)
    return row, 200, {"ETag": f'"{row.version}"'}


@garden.put("/v1/walled-garden/<reason>")
@garden.arguments(WalledPoolSchema)
@garden.response(200, WalledCauseSchema)
@permission("walled_garden.write")
def set_cause(values: dict[str, Any], reason: str) -> Response:
    """Set or take away its pool; it counts from the next login on."""
    with transaction() as tx:
        require_match(_row(tx.session, reason).version)
        walled_garden.set_pool(tx.session, reason, values["pool"], tx.actor)
        row = _row(tx.session, reason)
        return tx.answer(WalledCauseSchema(), row, version=row.version)


def _row(session: Any, reason: str) -> Any:
    row = session.execute(_ONE, {"reason": reason}).one_or_none()
    if row is None:
        raise not_found("cause")
    return row
