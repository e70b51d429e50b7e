"""The operator tree and its API keys: who is added, changed, disabled, held."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers import passwords
from customers.domain import ApiKey, NotAllowed, NotValid, Operator, Refusal, now
from customers.persistence import operators, tables
from shared import operations, outbox
from shared.database import Scope, uuid7
from shared.operations import SYSTEM, Actor
from shared.tokens import Principal

RANK = {"admin": 0, "manager": 1, "reseller": 2}
LOGGED = ("username", "name", "role", "status", "holds")


def add(
    session: Session, caller: Principal, actor: Actor, *, parent_id: UUID | None = None,
    username: str, name: str, role: str, password: str,
) -> Operator:  # fmt: skip
    """A new operator below `parent_id`, or below the caller. Raises NotAllowed, Missing, Refusal."""
    _refuse_above(caller, role)
    parent = operators.operator(session, caller.scope, parent_id or _own(caller))
    if RANK[role] < RANK[parent.role]:
        raise NotValid("role", f"a {parent.role} has nobody of the role {role} below")
    return _insert(session, actor, parent, username, name, role, passwords.hashed(password))


def _own(caller: Principal) -> UUID:
    assert caller.id is not None
    return caller.id


def _refuse_above(caller: Principal, role: str) -> None:
    if caller.role not in RANK or RANK[role] < RANK[caller.role]:
        raise NotAllowed(f"A {caller.role} cannot make somebody {role}.")


def _insert(
    session: Session, actor: Actor, parent: Operator | None, username: str, name: str, role: Any,
    password_hash: str,
) -> Operator:  # fmt: skip
    number = operators.next_number(session)
    made = Operator(
        id=UUID(str(uuid7())),
        number=number,
        parent_id=parent.id if parent else None,
        operator_path=f"{parent.operator_path if parent else ''}{number}/",
        username=username,
        name=name,
        role=role,
        password_hash=password_hash,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError as error:
        raise taken("username") from error
    _tell(session, actor, "operator.created", made, None)
    return made


def taken(field: str, suggestions: list[str] | None = None) -> Refusal:
    error = {"pointer": f"/{field}", "code": "taken", "detail": f"This {field} is in use."}
    if suggestions:
        error["suggestions"] = suggestions  # type: ignore[assignment]
    return Refusal("taken", f"This {field} is in use.", [error])


def _tell(
    session: Session, actor: Actor, action: str, operator: Operator, before: dict[str, Any] | None
) -> None:
    outbox.publish(session, operator.told(), actor=actor.name, request_id=actor.request_id)
    operations.record(
        session, actor, action, "operator", operator.id, operator_path=operator.operator_path,
        before=before, after=logged(operator), personal=False,
    )  # fmt: skip


def logged(operator: Operator) -> dict[str, Any]:
    """What the log keeps of an operator."""
    return {name: getattr(operator, name) for name in LOGGED}


def change(
    session: Session, caller: Principal, actor: Actor, operator: Operator, changes: dict[str, Any]
) -> Operator:
    """Name, role, status, password of one in the branch. Raises NotAllowed."""
    _refuse_self(caller, operator, changes)
    _refuse_above(caller, changes.get("role", operator.role))
    before = logged(operator)
    if "password" in changes:
        changes["password_hash"] = passwords.hashed(changes.pop("password"))
    operator.change(**changes)
    session.flush()
    _tell(session, actor, "operator.changed", operator, before)
    if {"status", "role"} & changes.keys():
        _tell_of_keys(session, actor, operator)
    return operator


def change_own_password(session: Session, actor: Actor, operator: Operator, password: str) -> None:
    """Whose password it is has proved to know the old one. Every other sign-in of it ends."""
    before = logged(operator)
    operator.change(password_hash=passwords.hashed(password))
    session.flush()
    _tell(session, actor, "operator.password_changed", operator, before)


def _refuse_self(caller: Principal, operator: Operator, changes: dict[str, Any]) -> None:
    if operator.id == caller.id and {"role", "status"} & changes.keys():
        raise NotAllowed("Nobody changes the own role or disables oneself.")


def _tell_of_keys(session: Session, actor: Actor, operator: Operator) -> None:
    """The others judge a key by what they were told: disabling an operator ends the keys too."""
    for key in operators.keys_below(session, operator.id):
        key.version += 1
        outbox.publish(session, key.told(operator), actor=actor.name, request_id=actor.request_id)


def add_key(
    session: Session, actor: Actor, operator: Operator, *, name: str, scopes: list[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """The key and, once only, its text: `tnr_<prefix>_<256 random bits>`; only its digest is kept."""
    prefix = secrets.token_hex(4)
    shown = f"tnr_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        id=UUID(str(uuid7())),
        operator_id=operator.id,
        operator_path=operator.operator_path,
        name=name,
        prefix=prefix,
        digest=hashlib.sha256(shown.encode()).hexdigest(),
        scopes=scopes,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    _tell_of_key(session, actor, "api_key.created", key, operator)
    return key, shown


def revoke_key(session: Session, actor: Actor, operator: Operator, key: ApiKey) -> ApiKey:
    if key.revoked_at is None:
        key.revoked_at, key.version = now(), key.version + 1
        session.flush()
        _tell_of_key(session, actor, "api_key.revoked", key, operator)
    return key


def _tell_of_key(
    session: Session, actor: Actor, action: str, key: ApiKey, operator: Operator
) -> None:
    outbox.publish(session, key.told(operator), actor=actor.name, request_id=actor.request_id)
    operations.record(
        session, actor, action, "api_key", key.id, operator_path=key.operator_path,
        after={"name": key.name, "prefix": key.prefix, "scopes": key.scopes}, personal=False,
    )  # fmt: skip


def none_yet(session: Session) -> bool:
    return session.scalar(select(tables.operator.c.id).limit(1)) is None


def ensure_first(session: Session, password: str) -> None:
    """The root of the tree: username `admin`."""
    _insert(session, SYSTEM, None, "admin", "Administrator", "admin", passwords.hashed(password))


def key_of(session: Session, scope: Scope, operator: Operator, key_id: UUID) -> ApiKey | None:
    found = session.get(ApiKey, key_id)
    inside = found is not None and scope.holds(found.operator_path)
    return found if inside and found is not None and found.operator_id == operator.id else None
