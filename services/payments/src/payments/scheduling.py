"""Exports of every finished day or week: asked for by the clock, each period once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.exporting import RESOURCES
from payments.persistence import schedules
from payments.settings import PaymentsSettings
from shared import exporting, operations
from shared.database import EVERYTHING, Scope
from shared.operations import Actor

KNOWN = {resource.name: resource for resource in RESOURCES}
# After an outage: what is older is asked for by hand.
MOST_MISSED = 7


def first_day(every: str, day: date) -> date:
    """The first day of the period that `day` is in; weeks begin on Monday (ISO 8601)."""
    return day if every == "day" else day - timedelta(days=day.weekday())


def length(every: str) -> timedelta:
    return timedelta(days=1 if every == "day" else 7)


def plan(session: Session, wish: dict[str, Any], settings: PaymentsSettings, actor: Actor) -> UUID:
    """Keep the schedule; its first file is of the period that runs now, when it is over."""
    today = datetime.now(ZoneInfo(settings.time_zone)).date()
    row = {
        "id": uuid7(), "operator_path": actor.path or operations.SYSTEM_PATH,
        "operator_id": actor.id, "operator_name": actor.name, "resource": wish["resource"],
        "format": wish["format"], "filter": wish["filter"], "columns": wish.get("columns"),
        "every": wish["every"],
        "last_period": first_day(wish["every"], today) - length(wish["every"]),
    }  # fmt: skip
    schedules.add(session, row)
    _log(session, actor, "export_schedule.made", row["id"], wish)
    found: UUID = row["id"]
    return found


def change(session: Session, row: Any, changes: dict[str, Any], actor: Actor) -> None:
    """No day is left out: the first period of another length is the one that the first day belongs to
    which no file has yet."""
    values = dict(changes)
    if every := changes.get("every"):
        uncovered = row.last_period + length(row.every)
        values["last_period"] = first_day(every, uncovered) - length(every)
    schedules.change(session, row.id, values)
    before = {name: getattr(row, name) for name in changes}
    _log(session, actor, "export_schedule.changed", row.id, changes, before)


def drop(session: Session, row: Any, actor: Actor) -> None:
    schedules.remove(session, row.id)
    _log(session, actor, "export_schedule.removed", row.id, {"resource": row.resource})


def run(session: Session, settings: PaymentsSettings) -> int:
    """Ask for the next finished period of one schedule; 0 when none is due. Call until 0."""
    today = datetime.now(ZoneInfo(settings.time_zone)).date()
    row = schedules.due(session, first_day("day", today), first_day("week", today))
    if row is None:
        return 0
    step = length(row.every)
    latest = first_day(row.every, today) - step
    period = max(row.last_period + step, latest - step * (MOST_MISSED - 1))
    actor = Actor(name=row.operator_name, id=row.operator_id, path=row.operator_path)
    if schedules.is_active(session, row.operator_id):
        _ask(session, row, period, period + step - timedelta(days=1), settings, actor)
    schedules.set_last(session, row.id, period)
    return 1


def _ask(
    session: Session, row: Any, first: date, last: date, settings: PaymentsSettings, actor: Actor
) -> None:
    root = row.operator_path.count("/") <= 1
    export_id, _ = exporting.request_export(
        session, settings, actor, KNOWN[row.resource],
        operator_path=row.operator_path, scope=EVERYTHING if root else Scope(row.operator_path),
        format=row.format, columns=row.columns, time_zone=settings.time_zone,
        filters={**row.filter, "from": first.isoformat(), "to": last.isoformat()},
    )  # fmt: skip
    _log(session, actor, "export.scheduled", export_id,
         {"schedule_id": str(row.id), "from": first.isoformat(), "to": last.isoformat()})  # fmt: skip


def _log(
    session: Session,
    actor: Actor,
    action: str,
    subject: UUID,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    operations.record(
        session, actor, action, "export", subject, personal=False, before=before, after=after,
        operator_path=actor.path or operations.SYSTEM_PATH,
    )  # fmt: skip
