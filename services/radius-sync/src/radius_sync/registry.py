"""Registering NASes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import nas_rows, rows
from radius_sync.vendors import VENDORS
from shared import operations
from shared.database import uuid7
from shared.operations import Actor
from shared.sealing import seal

# Kept sealed, and told to nobody.
SECRETS = ("secret", "sessions_token")
_UNASKED = {
    "sessions_token_sealed": None, "sessions_state": "unknown", "sessions_listed": None,
    "sessions_listed_at": None, "sessions_error": None,
}  # fmt: skip


def register(session: Session, values: Mapping[str, Any], key: bytes, actor: Actor) -> UUID:
    """Raises IntegrityError when the address or name is taken."""
    vendor = VENDORS[values.get("vendor", "generic")]
    nas_id = UUID(str(uuid7()))
    kept = {
        "vendor": vendor.name, "coa_port": vendor.coa_port, "strategy": vendor.strategy.value,
        **_sealed(values, key), "id": nas_id,
    }  # fmt: skip
    _write(session, "INSERT INTO nas_device ({0}) VALUES ({1})", kept)
    _provision(session)
    told = {name: value for name, value in values.items() if name not in SECRETS}
    _note(session, actor, "nas.registered", nas_id, told)
    session.execute(
        text(
            "UPDATE disconnect_order SET state = 'due', not_before = now(), finished_at = NULL"
            " WHERE nas_address = CAST(:address AS inet) AND state = 'failed'"
            " AND outcome = 'unregistered_nas'"
        ),
        {"address": values["address"]},
    )
    return nas_id


def change(
    session: Session, nas_id: UUID, values: Mapping[str, Any], key: bytes, actor: Actor
) -> None:
    kept = _sealed(values, key)
    if "sessions_url" in kept:
        # Nobody else is sent the token of the place before; and what that one said is over.
        kept = _UNASKED | kept
        session.execute(text("DELETE FROM session_apart WHERE nas_id = :id"), {"id": nas_id})
    names = "".join(f"{name} = :{name}, " for name in sorted(kept))
    session.execute(
        # Settings that were wrong may be why it is silent: it is tried again at once.
        text(
            f"UPDATE nas_device SET {names} version = version + 1, failures = 0,"
            " breaker_until = NULL, breaker_pause = 0 WHERE id = :id"
        ),
        {**kept, "id": nas_id},
    )
    _provision(session)
    told = {k: "(changed)" if k in SECRETS else v for k, v in values.items()}
    _note(session, actor, "nas.changed", nas_id, told)


def remove(session: Session, nas_id: UUID, actor: Actor) -> None:
    session.execute(text("DELETE FROM nas_device WHERE id = :id"), {"id": nas_id})
    _provision(session)
    _note(session, actor, "nas.removed", nas_id, {})


def _sealed(values: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The columns of these values."""
    return {
        f"{name}_sealed" if name in SECRETS else name: seal(value, key)
        if name in SECRETS and value is not None
        else value
        for name, value in values.items()
    }


def _provision(session: Session) -> None:
    """What FreeRADIUS is told of it: the client, and the groups as its vendor wants them."""
    nas_rows.rewrite(session)
    rows.rewrite_groups(session)


def _write(session: Session, statement: str, values: Mapping[str, Any]) -> None:
    names = sorted(values)
    session.execute(
        text(statement.format(", ".join(names), ", ".join(f":{name}" for name in names))), values
    )


def _note(session: Session, actor: Actor, action: str, nas_id: UUID, after: dict[str, Any]) -> None:
    operations.record(
        session, actor, action, "nas", nas_id, operator_path="", after=after, personal=False
    )
