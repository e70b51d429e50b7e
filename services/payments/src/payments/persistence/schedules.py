"""Exports that are made again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, Select, Table, Text, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from payments.persistence.tables import ID, PATH, WHEN, metadata
from payments.persistence.tables import _column as column
from shared.database import Scope

export_schedule = Table(
    "export_schedule",
    metadata,
    column("id", ID, primary_key=True),
    column("operator_path", PATH),
    column("operator_id", ID),
    column("operator_name", Text),
    column("resource", Text),
    column("format", Text),
    column("filter", JSONB),
    column("columns", ARRAY(Text), nullable=True),
    column("every", Text),
    column("last_period", Date),
    column("created_at", WHEN),
    column("version", Integer),
)


def add(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(insert(export_schedule), [dict(row)])


def listed(scope: Scope) -> Select[Any]:
    return select(export_schedule).where(scope.covers(export_schedule.c.operator_path))


def one(session: Session, schedule_id: UUID) -> Any:
    """Locked; None outside the caller's branch."""
    return session.execute(
        select(export_schedule).where(export_schedule.c.id == schedule_id).with_for_update()
    ).one_or_none()


def change(session: Session, schedule_id: UUID, values: Mapping[str, Any]) -> None:
    s = export_schedule
    session.execute(
        update(s).where(s.c.id == schedule_id).values(**values, version=s.c.version + 1)
    )


def remove(session: Session, schedule_id: UUID) -> None:
    session.execute(text("DELETE FROM export_schedule WHERE id = :id"), {"id": schedule_id})


def due(session: Session, today: date, this_week: date) -> Any:
    """A schedule with a finished period that was not asked for; locked, so two clocks take two."""
    return session.execute(
        text(
            "SELECT * FROM export_schedule WHERE (every = 'day' AND last_period < :today - 1)"
            " OR (every = 'week' AND last_period < :week - 7)"
            " ORDER BY last_period LIMIT 1 FOR UPDATE SKIP LOCKED"
        ),
        {"today": today, "week": this_week},
    ).one_or_none()


def set_last(session: Session, schedule_id: UUID, period: date) -> None:
    session.execute(
        text(
            "UPDATE export_schedule SET last_period = :period, version = version + 1 WHERE id = :id"
        ),
        {"id": schedule_id, "period": period},
    )


def is_active(session: Session, operator_id: UUID) -> bool:
    """Whoever was dismissed gets no files; one that payments has not heard of is given the benefit."""
    found = session.scalar(
        text("SELECT active FROM operator_fact WHERE id = :id"), {"id": operator_id}
    )
    return found is not False
