"""Operators, API keys, packages and classes: found within a branch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers.domain import ApiKey, CustomerClass, Missing, Operator, Package, ancestors
from customers.persistence import tables
from shared.database import Scope

o, k, p = tables.operator.c, tables.api_key.c, tables.package.c


def by_username(session: Session, username: str) -> Operator | None:
    return session.scalar(select(Operator).where(func.lower(o.username) == username.lower()))


def active(session: Session, path: str) -> bool:
    """Nobody from the root down to `path` is disabled. Not for a scoped session."""
    disabled = session.scalar(
        select(func.count()).where(o.operator_path.in_(ancestors(path)), o.status != "active")
    )
    return disabled == 0


def key_by_digest(session: Session, digest: str) -> Any:
    return session.execute(
        select(k.operator_id, k.scopes, k.expires_at, o.username, o.role, o.operator_path)
        .join(tables.operator, o.id == k.operator_id)
        .where(k.digest == digest, k.revoked_at.is_(None))
    ).one_or_none()


def operator(session: Session, scope: Scope, operator_id: UUID, *, lock: bool = False) -> Operator:
    """Raises Missing."""
    query = select(Operator).where(o.id == operator_id, scope.covers(o.operator_path))
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise Missing("operator")
    return found


def next_number(session: Session) -> int:
    return int(session.scalar(text("SELECT nextval('operator_number')")) or 0)


def keys_below(session: Session, operator_id: UUID) -> list[ApiKey]:
    return list(session.scalars(select(ApiKey).where(k.operator_id == operator_id)))


def sellable(scope: Scope) -> ColumnElement[bool]:
    """Packages of everybody, of the own branch, and of the operators above."""
    if scope.path is None:
        return scope.covers(p.operator_path)
    return or_(
        p.operator_path == "",
        scope.covers(p.operator_path),
        p.operator_path.in_(ancestors(scope.path)),
    )


def package(session: Session, scope: Scope, package_id: UUID, *, lock: bool = False) -> Package:
    """Raises Missing."""
    query = select(Package).where(p.id == package_id, sellable(scope))
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise Missing("package")
    return found


def customer_class(
    session: Session, class_id: UUID | None = None, *, lock: bool = False
) -> CustomerClass:
    """The class, or the standard one. Raises Missing."""
    c = tables.customer_class.c
    condition = c.id == class_id if class_id else c.name == "standard"
    query = select(CustomerClass).where(condition)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise Missing("customer class")
    return found
