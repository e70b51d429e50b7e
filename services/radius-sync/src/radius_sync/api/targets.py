"""The RADIUS servers that are provisioned: how far each is, and how it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy import cast, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.exc import IntegrityError

from radius_sync import doctor
from radius_sync.persistence import target as table
from radius_sync.schemas.targets import (
    DiagnosisSchema,
    TargetChangeSchema,
    TargetNewSchema,
    TargetSchema,
)
from shared import operations
from shared.database import uuid7
from shared.http import (
    Blueprint,
    PlainPageArguments,
    Problem,
    database,
    page,
    permission,
    require_match,
    transaction,
)
from shared.http.operating.answering import as_json, page_of
from shared.http.problems import not_found
from shared.sealing import seal

targets = Blueprint("targets", __name__, description="RADIUS servers")
# Counting stops here: beyond it the number does not change what to do.
COUNTED = 10000
_PENDING = text(
    "SELECT count(*) FROM (SELECT FROM login l, target t WHERE t.id = :id AND NOT t.embedded"
    " AND (l.xid, l.username) > (t.applied_xid, t.applied_username) LIMIT :most) behind"
)


@targets.get("/v1/targets")
@targets.arguments(PlainPageArguments, location="query")
@targets.response(200, page_of(TargetSchema))
@permission("targets.read")
def list_targets(arguments: dict[str, Any]) -> Any:
    """`pending` is how many logins it still has to copy, counted up to 10,000."""
    with database().transaction() as session:
        found = page(
            session, select(table), arguments, key=table.c.id, default_sort="name",
            sortable={"name": table.c.name},
        )  # fmt: skip
        body = found.body(lambda row: _dump(session, row))
    return as_json(body, found.headers())


@targets.post("/v1/targets")
@targets.arguments(TargetNewSchema)
@targets.response(201, TargetSchema)
@permission("targets.write")
def add_target(values: dict[str, Any]) -> Response:
    """Its database must have FreeRADIUS' stock tables; everything is copied to it from now on."""
    key = current_app.extensions["tenure.settings"].secret_key
    with transaction() as tx:
        target_id = UUID(str(uuid7()))
        try:
            with tx.session.begin_nested():
                tx.session.execute(
                    insert(table).values(
                        id=target_id,
                        name=values["name"],
                        address_sealed=seal(values["address"], key),
                        **_asked_at(values, key),
                    )  # fmt: skip
                )
        except IntegrityError as error:
            raise Problem(409, "taken", "Already there", "Another target has this name.") from error
        operations.record(
            tx.session, tx.actor, "target.added", "target", target_id, operator_path="",
            after={"name": values["name"]}, personal=False,
        )  # fmt: skip
        row = _row(tx.session, target_id)
        return tx.answer(None, _dump(tx.session, row), 201, version=row.version)


@targets.get("/v1/targets/<uuid:target_id>")
@targets.response(200, TargetSchema)
@permission("targets.read")
def get_target(target_id: UUID) -> Any:
    """One RADIUS server, how far it is and whether it answers."""
    with database().transaction() as session:
        row = _row(session, target_id)
        return as_json(_dump(session, row), {"ETag": f'"{row.version}"'})


@targets.patch("/v1/targets/<uuid:target_id>")
@targets.arguments(TargetChangeSchema)
@targets.response(200, TargetSchema)
@permission("targets.write")
def change_target(values: dict[str, Any], target_id: UUID) -> Response:
    """Whether it is provisioned, and where its RADIUS server is asked whether it is there."""
    key = current_app.extensions["tenure.settings"].secret_key
    with transaction() as tx:
        require_match(_row(tx.session, target_id).version)
        changed = {name: values[name] for name in values.keys() & {"enabled"}}
        tx.session.execute(
            update(table)
            .where(table.c.id == target_id)
            .values(
                version=table.c.version + 1,
                not_before=func.now(),
                **changed,
                **_asked_at(values, key),
            )  # fmt: skip
        )
        operations.record(
            tx.session, tx.actor, "target.changed", "target", target_id, operator_path="",
            after={**changed, **_told(values)}, personal=False,
        )  # fmt: skip
        row = _row(tx.session, target_id)
        return tx.answer(None, _dump(tx.session, row), version=row.version)


@targets.delete("/v1/targets/<uuid:target_id>")
@targets.response(204)
@permission("targets.write")
def remove_target(target_id: UUID) -> Response:
    """Its rows stay where they are: it is no longer ours."""
    with transaction() as tx:
        row = _row(tx.session, target_id)
        require_match(row.version)
        if row.embedded:
            raise Problem(
                409, "embedded", "Not possible", "The embedded target belongs to the site."
            )
        tx.session.execute(text("DELETE FROM target WHERE id = :id"), {"id": target_id})
        operations.record(
            tx.session, tx.actor, "target.removed", "target", target_id, operator_path="",
            before={"name": row.name}, personal=False,
        )  # fmt: skip
        return tx.answer(None, None, 204)


@targets.get("/v1/targets/<uuid:target_id>/doctor")
@targets.response(200, DiagnosisSchema)
@permission("targets.read")
def examine_target(target_id: UUID) -> Any:
    """Every fault of its database, each with its fix. One pass over its tables: seconds on a large
    one. Its configuration files are examined where they are: `python -m radius_sync doctor`."""
    with database().transaction() as session:
        _row(session, target_id)
        target = session.execute(text("SELECT * FROM target WHERE id = :id"), {"id": target_id})
        found = target.one()
    findings = doctor.examine_target(found, current_app.extensions["tenure.settings"])
    return {"healthy": not findings, "findings": findings}


def _asked_at(values: dict[str, Any], key: bytes) -> dict[str, Any]:
    """The columns of the RADIUS server, asked at once, if they are given."""
    if "radius" not in values:
        return {}
    given = values["radius"]
    return {
        "radius_address": cast(str(given["address"]), INET) if given else None,
        "radius_port": given["port"] if given else None,
        "radius_secret_sealed": seal(given["secret"], key) if given else None,
        "radius_state": "unknown", "radius_skew": None, "radius_seen_at": None,
        "radius_asked_at": None,
    }  # fmt: skip


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """What the operations log keeps of a RADIUS server: never its secret."""
    if "radius" not in values:
        return {}
    given = values["radius"]
    return {"radius": f"{given['address']}:{given['port']}" if given else None}


def _row(session: Any, target_id: UUID) -> Any:
    row = session.execute(select(table).where(table.c.id == target_id)).one_or_none()
    if row is None:
        raise not_found("target")
    return row


def _dump(session: Any, row: Any) -> dict[str, Any]:
    pending = int(session.scalar(_PENDING, {"id": row.id, "most": COUNTED}) or 0)
    health = "disabled" if not row.enabled else "away" if row.error else "well"
    return {
        "id": str(row.id),
        "name": row.name,
        "embedded": row.embedded,
        "enabled": row.enabled,
        "health": health,
        "error": row.error,
        "failures": row.failures,
        "pending": pending,
        "applied_at": None if row.applied_at is None else row.applied_at.isoformat(),
        "radius": _radius(row),
    }


def _radius(row: Any) -> dict[str, Any] | None:
    if row.radius_address is None:
        return None
    return {
        "address": str(row.radius_address),
        "port": row.radius_port,
        "state": row.radius_state,
        "clock_skew_seconds": row.radius_skew,
        "seen_at": None if row.radius_seen_at is None else row.radius_seen_at.isoformat(),
    }
