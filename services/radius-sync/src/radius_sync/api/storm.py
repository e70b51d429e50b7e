"""Storm protection: whether a mass suspension is held back, and the operator's word on it."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import text

from radius_sync.disconnecting import storm as protection
from radius_sync.schemas import ReasonSchema, StormChangeSchema, StormSchema
from shared import operations
from shared.http import Blueprint, Problem, database, permission, require_match, transaction

storm = Blueprint("storm", __name__, description="Mass suspensions, held back")


@storm.get("/v1/storm")
@storm.response(200, StormSchema)
@permission("storm.read")
def get_storm() -> Any:
    """`pacing`: so many cut-offs at once that they go out slowly; books and logins hold already."""
    with database().transaction() as session:
        row = protection.current(session)
    return row, 200, {"ETag": f'"{row.version}"'}


@storm.patch("/v1/storm")
@storm.arguments(StormChangeSchema)
@storm.response(200, StormSchema)
@permission("storm.write")
def change_storm(values: dict[str, Any]) -> Response:
    """From how many cut-offs in how many seconds it is a storm, and its pace."""
    with transaction() as tx:
        before = protection.current(tx.session)
        require_match(before.version)
        if values:
            names = ", ".join(f"{name} = :{name}" for name in sorted(values))
            tx.session.execute(text(f"UPDATE storm SET {names}, version = version + 1"), values)
            operations.record(
                tx.session, tx.actor, "storm.changed", "storm", None, operator_path="",
                before={name: getattr(before, name) for name in values}, after=values,
                personal=False,
            )  # fmt: skip
        row = protection.current(tx.session)
        return tx.answer(StormSchema(), row, version=row.version)


@storm.post("/v1/storm/stop")
@storm.arguments(ReasonSchema)
@storm.response(200, StormSchema)
@permission("storm.write")
def stop_storm(values: dict[str, Any]) -> Response:
    """No more cut-offs until it is released: undo the suspension in the books meanwhile, and what
    was not sent yet never is."""
    return _decide("stopped", values)


@storm.post("/v1/storm/release")
@storm.arguments(ReasonSchema)
@storm.response(200, StormSchema)
@permission("storm.write")
def release_storm(values: dict[str, Any]) -> Response:
    """It is meant: all at once, as fast as the NASes take it."""
    return _decide("released", values)


@storm.post("/v1/storm/pace")
@storm.arguments(ReasonSchema)
@storm.response(200, StormSchema)
@permission("storm.write")
def pace_storm(values: dict[str, Any]) -> Response:
    """Back to the slow pace, after a stop or a release."""
    return _decide("pacing", values)


def _decide(state: str, values: dict[str, Any]) -> Response:
    with transaction() as tx:
        if not protection.decide(tx.session, state, values["reason"] or None, tx.actor):
            now = protection.current(tx.session).state
            raise Problem(409, "no-storm", "Not possible now", f"The state is {now}.")
        row = protection.current(tx.session)
        return tx.answer(StormSchema(), row, version=row.version)
