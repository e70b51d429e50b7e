"""`/v1/export-schedules`: a file of every finished day or week."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma

from payments import scheduling
from payments.api.answering import as_one, settings
from payments.persistence import schedules as stored
from payments.persistence.schedules import export_schedule
from payments.schemas.schedules import (
    ScheduleArguments,
    ScheduleChangesSchema,
    SchedulePageSchema,
    ScheduleRequestSchema,
    ScheduleSchema,
    body_of,
)
from shared import exports
from shared.exporting import Resource
from shared.http import (
    Blueprint,
    Problem,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.operating.answering import as_json
from shared.http.problems import invalid, not_found

schedules = Blueprint("export_schedules", __name__, description="Files of every day or week")


@schedules.get("/v1/export-schedules")
@schedules.arguments(ScheduleArguments, location="query")
@schedules.response(200, SchedulePageSchema)
@permission("exports.write")
def list_schedules(arguments: dict[str, Any]) -> Any:
    """Of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope), arguments, key=export_schedule.c.id,
            sortable={"created_at": export_schedule.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(body_of), found.headers())


@schedules.post("/v1/export-schedules")
@schedules.arguments(ScheduleRequestSchema)
@schedules.response(201, ScheduleSchema)
@permission("exports.write")
def plan_exports(body: dict[str, Any]) -> Any:
    """A file of each day or week once it is over, found under /v1/exports. Idempotency-Key required."""
    _check(scheduling.KNOWN[body["resource"]], body)
    with transaction(key_required=True) as tx:
        made = scheduling.plan(tx.session, body, settings(), tx.actor)
        row = stored.one(tx.session, made)
        return tx.answer(None, body_of(row), 201, version=row.version)


def _check(resource: Resource, body: dict[str, Any]) -> None:
    """What names a period or a person does not belong in a schedule, which outlives both."""
    if not principal().may(resource.permission):
        raise Problem(
            403, "forbidden", "Not allowed", f"This needs the permission {resource.permission}.",
            permission=resource.permission,
        )  # fmt: skip
    refused = {"from", "to", "customer_id", "q", "number"} & set(body["filter"])
    if refused:
        raise invalid(f"filter.{sorted(refused)[0]}", "is not for a schedule")
    try:
        resource.filters().load(body["filter"])
        exports.chosen(resource.columns, body.get("columns"))
    except ma.ValidationError as error:
        field, texts = next(iter(dict(error.messages_dict).items()))
        detail = str(texts[0]) if isinstance(texts, list) else "not valid"
        raise invalid(f"filter.{field}", detail) from error
    except exports.UnknownColumn as error:
        raise invalid("columns", str(error).removeprefix("columns: ")) from error


@schedules.get("/v1/export-schedules/<uuid:schedule_id>")
@schedules.response(200, ScheduleSchema)
@permission("exports.write")
def get_schedule(schedule_id: UUID) -> Any:
    """One schedule; `last_period` is the first day of the last file's period."""
    with database().transaction(principal().scope) as session:
        row = stored.one(session, schedule_id)
    return as_one(row, "schedule", body_of)


@schedules.patch("/v1/export-schedules/<uuid:schedule_id>")
@schedules.arguments(ScheduleChangesSchema)
@schedules.response(200, ScheduleSchema)
@permission("exports.write")
def change_schedule(changes: dict[str, Any], schedule_id: UUID) -> Any:
    """From the next file on. Of another resource is another schedule."""
    with transaction() as tx:
        row = stored.one(tx.session, schedule_id)
        if row is None:
            raise not_found("schedule")
        require_match(row.version)
        _check(scheduling.KNOWN[row.resource], row._asdict() | changes)
        scheduling.change(tx.session, row, changes, tx.actor)
        changed = stored.one(tx.session, schedule_id)
        return tx.answer(None, body_of(changed), version=changed.version)


@schedules.delete("/v1/export-schedules/<uuid:schedule_id>")
@schedules.response(200, ScheduleSchema)
@permission("exports.write")
def drop_schedule(schedule_id: UUID) -> Any:
    """No more files; those that are there stay for their time."""
    with transaction() as tx:
        row = stored.one(tx.session, schedule_id)
        if row is None:
            raise not_found("schedule")
        require_match(row.version)
        scheduling.drop(tx.session, row, tx.actor)
        return tx.answer(None, body_of(row))
