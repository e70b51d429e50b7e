"""Events that a subscriber could not take: look, replay, skip. For those who see the whole site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import current_app
from sqlalchemy import select, table

from shared import inbox, operations
from shared.http.authentication import actor, permission
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, columns, database, page_of
from shared.http.paging import PlainPageArguments, page
from shared.http.problems import not_found
from shared.http.transactions import transaction

blueprint = Blueprint("dead letters", __name__, description="Events that could not be taken")
letter = table(
    "dead_letter", *columns("event_id source type subject error attempts first_at last_at state")
)


class DeadLetterSchema(ma.Schema):
    event_id = ma.fields.UUID(required=True)
    source = ma.fields.String(required=True)
    type = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True)
    error = ma.fields.String(required=True)
    attempts = ma.fields.Integer(required=True)
    first_at = ma.fields.AwareDateTime(required=True)
    last_at = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["dead", "replayed", "skipped"])
    )


class SkippedSchema(ma.Schema):
    event_id = ma.fields.UUID(required=True)
    state = ma.fields.String(required=True)


@blueprint.get("/v1/dead-letters")
@blueprint.arguments(PlainPageArguments, location="query")
@blueprint.response(200, page_of(DeadLetterSchema))
@permission("dead_letters.read")
def list_dead_letters(arguments: dict[str, Any]) -> Any:
    """What could not be taken, and why. Replay it once the cause is mended, or skip it."""
    query = select(letter).where(letter.c.state == "dead")
    with database().transaction() as session:
        found = page(
            session, query, arguments, key=letter.c.event_id, default_sort="-last_at",
            sortable={"last_at": letter.c.last_at},
        )  # fmt: skip
    names = [c.name for c in letter.c]
    return as_json(found.body(lambda row: dict(zip(names, row, strict=False))), found.headers())


@blueprint.post("/v1/dead-letters/<uuid:event_id>/replay")
@blueprint.response(200, DeadLetterSchema)
@permission("dead_letters.write")
def replay_dead_letter(event_id: UUID) -> Any:
    """Take the event again; `state` tells whether it went: `replayed`, or `dead` with the new error."""
    subscriptions: inbox.Subscriptions = current_app.extensions["tenure.subscriptions"]
    try:
        inbox.replay(database(), subscriptions, str(event_id))
    except inbox.NotDead as error:
        raise not_found("dead letter") from error
    with database().transaction() as session:
        row = session.execute(select(letter).where(letter.c.event_id == event_id)).one()
        operations.record(
            session, actor(), "dead_letter.replayed", "event", event_id,
            operator_path=operations.SYSTEM_PATH, after={"state": row.state}, personal=False,
        )  # fmt: skip
    return as_json(dict(row._mapping))


@blueprint.post("/v1/dead-letters/<uuid:event_id>/skip")
@blueprint.response(200, SkippedSchema)
@permission("dead_letters.write")
def skip_dead_letter(event_id: UUID) -> Any:
    """Give the event up; the log keeps who did."""
    with transaction() as tx:
        try:
            inbox.skip(tx.session, str(event_id))
        except inbox.NotDead as error:
            raise not_found("dead letter") from error
        operations.record(
            tx.session, tx.actor, "dead_letter.skipped", "event", event_id,
            operator_path=operations.SYSTEM_PATH, personal=False,
        )  # fmt: skip
        return tx.answer(None, {"event_id": str(event_id), "state": "skipped"})
