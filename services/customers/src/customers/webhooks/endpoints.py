"""Endpoints: where an operator wants the events of the own branch sent, and the secrets that sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import column, select, table, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from customers.domain import Missing
from customers.webhooks.signing import new_secret
from shared import operations
from shared.database import Scope, uuid7
from shared.events import TYPES, ApiKeyChanged
from shared.operations import Actor
from shared.sealing import seal, unseal

# What can be asked for: everything that is told of, but keys, which are nobody's business.
SENT = tuple(sorted(set(TYPES) - {ApiKeyChanged.type}))
# A receiver has a day to take over a new secret.
BOTH_HOURS = 24
FIELDS = ("id", "operator_id", "operator_path", "url", "description", "state", "failing_since",
          "previous_until", "version", "created_at", "updated_at")  # fmt: skip
endpoint = table(
    "webhook_endpoint", *(column(name) for name in FIELDS), column("types", ARRAY(TEXT))
)
_LOGGED = ("url", "description", "types", "state")


def read(session: Session, scope: Scope, endpoint_id: UUID, *, lock: bool = False) -> Any:
    """Raises Missing."""
    query = select(endpoint).where(
        endpoint.c.id == endpoint_id, scope.covers(endpoint.c.operator_path)
    )
    found = session.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise Missing("webhook endpoint")
    return found


def add(
    session: Session, actor: Actor, wanted: Mapping[str, Any], secret_key: bytes
) -> tuple[Any, str]:
    """The endpoint and, once only, its secret. Events from now on are sent."""
    made, secret = UUID(str(uuid7())), new_secret()
    session.execute(
        text(
            "INSERT INTO webhook_endpoint (id, operator_id, operator_path, url, description, types,"
            " secret_sealed) VALUES (:id, :operator, :path, :url, :description, :types, :sealed)"
        ),
        {
            "id": made, "operator": actor.id, "path": actor.path, "url": wanted["url"],
            "description": wanted["description"], "types": wanted["types"],
            "sealed": seal(secret, secret_key),
        },
    )  # fmt: skip
    found = _found(session, made)
    log(session, actor, "webhook_endpoint.created", found, None)
    return found, secret


def _found(session: Session, endpoint_id: UUID) -> Any:
    return session.execute(select(endpoint).where(endpoint.c.id == endpoint_id)).one()


def log(session: Session, actor: Actor, action: str, found: Any, before: Any, **more: Any) -> None:
    operations.record(
        session, actor, action, "webhook_endpoint", found.id, operator_path=found.operator_path,
        before=before and _seen(before), after=_seen(found) | more, personal=False,
    )  # fmt: skip


def _seen(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _LOGGED}


def change(session: Session, actor: Actor, before: Any, changes: Mapping[str, Any]) -> Any:
    """Address, types, description; `active` false rests it, true wakes it, a disabled one too."""
    active = changes.get("active")
    state = before.state if active is None else ("active" if active else "paused")
    session.execute(
        text(
            "UPDATE webhook_endpoint SET url = :url, description = :description, types = :types,"
            " state = :state, failures = 0, failing_since = NULL, resting_until = now(),"
            " version = version + 1, updated_at = now() WHERE id = :id"
        ),
        {
            "id": before.id, "state": state,
            **{n: changes.get(n, getattr(before, n)) for n in ("url", "description", "types")},
        },
    )  # fmt: skip
    found = _found(session, before.id)
    log(session, actor, "webhook_endpoint.changed", found, before)
    return found


def rotate(session: Session, actor: Actor, before: Any, secret_key: bytes) -> tuple[Any, str]:
    """Another secret, shown once; for a day the one before signs too."""
    secret = new_secret()
    session.execute(
        text(
            "UPDATE webhook_endpoint SET previous_sealed = secret_sealed, secret_sealed = :sealed,"
            " previous_until = now() + :hours * interval '1 hour', version = version + 1,"
            " updated_at = now() WHERE id = :id"
        ),
        {"id": before.id, "sealed": seal(secret, secret_key), "hours": BOTH_HOURS},
    )
    found = _found(session, before.id)
    log(session, actor, "webhook_endpoint.secret_rotated", found, None)
    return found, secret


def remove(session: Session, actor: Actor, found: Any) -> None:
    """With what is still to be sent to it."""
    session.execute(text("DELETE FROM webhook_endpoint WHERE id = :id"), {"id": found.id})
    log(session, actor, "webhook_endpoint.removed", found, found)


def secrets_of(row: Any, secret_key: bytes) -> list[str]:
    """Those that sign now, the newest first. `row` has `secret_sealed` and `earlier_sealed`."""
    return [unseal(one, secret_key) for one in (row.secret_sealed, row.earlier_sealed) if one]


SIGNING = (
    "secret_sealed, CASE WHEN previous_until > now() THEN previous_sealed END AS earlier_sealed"
)


def signing(session: Session, endpoint_id: UUID) -> Any:
    """Address and secrets, for a ping."""
    return session.execute(
        text(f"SELECT url, {SIGNING} FROM webhook_endpoint WHERE id = :id"), {"id": endpoint_id}
    ).one()


def body(row: Any) -> dict[str, Any]:
    names = ("id", "operator_id", "url", "description", "types", "state", "failing_since",
             "previous_until", "version", "created_at", "updated_at")  # fmt: skip
    return {name: getattr(row, name) for name in names}
