"""Operators' own patterns of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Select, Table, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from payments.persistence.drawers import operator_fact
from payments.persistence.tables import ID, PATH, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope

number_pattern = Table(
    "number_pattern",
    metadata,
    column("operator_id", ID, primary_key=True),
    column("operator_path", PATH),
    column("patterns", JSONB),
    column("version", BigInteger),
)


def _patterns() -> Select[Any]:
    return select(number_pattern, operator_fact.c.name.label("operator_name")).join(
        operator_fact, operator_fact.c.id == number_pattern.c.operator_id
    )


def listed(scope: Scope) -> Select[Any]:
    """Of the operators who have some of their own."""
    return _patterns().where(scope.covers(number_pattern.c.operator_path))


def of(session: Session, scope: Scope, operator_id: UUID) -> Any:
    """The operator's own patterns; none of them, with version 0, before anybody wrote any.

    None when there is no such operator in the caller's branch.
    """
    return session.execute(
        text(
            "SELECT o.id AS operator_id, o.name AS operator_name, o.operator_path,"
            " coalesce(n.patterns, '{}') AS patterns, coalesce(n.version, 0) AS version"
            " FROM operator_fact o LEFT JOIN number_pattern n ON n.operator_id = o.id"
            " WHERE o.id = :id AND o.operator_path >= :low AND o.operator_path < :high"
        ),
        {"id": operator_id, **_branch(scope)},
    ).one_or_none()


def for_writing(session: Session, scope: Scope, operator_id: UUID) -> Any:
    """As `of`, locked until commit; made when there was none, so that two writers see each other."""
    session.execute(
        text(
            "INSERT INTO number_pattern (operator_id, operator_path)"
            " SELECT id, operator_path FROM operator_fact WHERE id = :id"
            " AND operator_path >= :low AND operator_path < :high ON CONFLICT DO NOTHING"
        ),
        {"id": operator_id, **_branch(scope)},
    )
    session.execute(
        text("SELECT 1 FROM number_pattern WHERE operator_id = :id FOR UPDATE"),
        {"id": operator_id},
    )
    return of(session, scope, operator_id)


def _branch(scope: Scope) -> dict[str, str]:
    if scope.path is None:
        return {"low": "", "high": "~"}
    return {"low": scope.path, "high": scope.end}


def write(session: Session, operator_id: UUID, patterns: Mapping[str, str]) -> None:
    session.execute(
        text(
            "UPDATE number_pattern SET patterns = CAST(:patterns AS jsonb), version = version + 1"
            " WHERE operator_id = :id"
        ),
        {"id": operator_id, "patterns": orjson.dumps(patterns).decode()},
    )


def nearest(session: Session, operator_id: UUID, kinds: Sequence[str]) -> dict[str, str]:
    """By kind, the own or that of the nearest operator above who has one."""
    rows = session.execute(
        text(
            "SELECT k.kind, p.pattern FROM operator_fact o, unnest(CAST(:kinds AS text[])) AS k(kind),"
            " LATERAL (SELECT number_pattern_of(k.kind, o.username) AS pattern) p"
            " WHERE o.id = :id AND p.pattern IS NOT NULL"
        ),
        {"id": operator_id, "kinds": list(kinds)},
    )
    return {row.kind: row.pattern for row in rows}
