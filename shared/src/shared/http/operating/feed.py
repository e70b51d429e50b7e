"""The event feed: pull for certainty (ADR 0002)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import current_app, g

from shared import outbox
from shared.events import Wire
from shared.http.authentication import permission, principal
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, database
from shared.http.paging import MOST
from shared.http.problems import invalid_parameter, not_found

blueprint = Blueprint("events", __name__, description="The event feed: pull for certainty")


class FeedArguments(ma.Schema):
    after = ma.fields.String(
        load_default="0.0",
        validate=ma.validate.Length(max=60),
        metadata={"description": "`next_cursor` of the page before; left out: from the beginning"},
    )
    limit = ma.fields.Integer(load_default=MOST, validate=ma.validate.Range(min=1, max=MOST))
    type = ma.fields.String(
        metadata={"description": "Event types, separated by commas"},
        validate=ma.validate.Length(max=1000),
    )


class CloudEventSchema(ma.Schema):
    """CloudEvents 1.0, JSON. `sequence` grows per subject: what is not newer is no news."""

    specversion = ma.fields.String(required=True)
    id = ma.fields.UUID(required=True)
    source = ma.fields.String(required=True)
    type = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True)
    time = ma.fields.AwareDateTime(required=True)
    datacontenttype = ma.fields.String(required=True)
    sequence = ma.fields.Integer(required=True)
    operatorpath = ma.fields.String(required=True)
    actorid = ma.fields.String(required=True)
    data = ma.fields.Dict(required=True)


class FeedPageSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(CloudEventSchema), required=True)
    next_cursor = ma.fields.String(required=True)


@blueprint.get("/v1/events")
@blueprint.arguments(FeedArguments, location="query")
@blueprint.response(200, FeedPageSchema)
@permission("events.read")
def events(arguments: dict[str, Any]) -> Any:
    """CloudEvents after a cursor, oldest first, within the caller's branch."""
    service = current_app.extensions["tenure.settings"].service
    types = arguments["type"].split(",") if "type" in arguments else None
    scope = principal().scope
    with database().transaction(scope) as session:
        try:
            items, cursor = outbox.feed(
                session,
                service,
                after=arguments["after"],
                limit=arguments["limit"],
                scope=scope,
                types=types,
            )
        except outbox.BadCursor as error:
            raise invalid_parameter("after", "not a cursor of this feed") from error
    g.records = len(items)
    return as_json({"items": [_told(item) for item in items], "next_cursor": cursor})


@blueprint.get("/v1/events/<uuid:event_id>")
@blueprint.response(200, CloudEventSchema)
@permission("events.read")
def event(event_id: UUID) -> Any:
    """One event by its id, as long as its subject is not erased."""
    service = current_app.extensions["tenure.settings"].service
    scope = principal().scope
    with database().transaction(scope) as session:
        found = outbox.one(session, service, event_id, scope)
    if found is None:
        raise not_found("event")
    return as_json(_told(found))


def _told(event: Wire) -> Wire:
    return event if principal().role == "service" else outbox.told_outside(event)
