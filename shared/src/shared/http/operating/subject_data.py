"""What a service holds on one person, for the data-subject export that customers makes of all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

import orjson
from flask import Response, current_app, stream_with_context

from shared import subject_data
from shared.database import Database
from shared.http import problems
from shared.http.authentication import permission
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import database

blueprint = Blueprint("data subjects", __name__, description="What is held on one person")
# Without this line the answer broke off, and is not the whole.
END = b'{"end": true}\n'


@blueprint.get("/v1/data-subjects/<uuid:customer_id>")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson")
@permission("data_subjects.read")
def data_of_subject(customer_id: UUID) -> Any:
    """A line of JSON per row, `{"table", "row"}`, secrets left out; 404 where nothing is held."""
    own = current_app.extensions.get(subject_data.PLACES, ())
    lines = _lines(database(), customer_id, own)
    first = next(lines)
    if first == END:
        raise problems.not_found("data of this person")
    return Response(stream_with_context(chain([first], lines)), content_type="application/x-ndjson")


def _lines(source: Database, customer_id: UUID, own: Any) -> Iterator[bytes]:
    with source.transaction() as session:
        for table, row in subject_data.held(session, customer_id, own):
            yield orjson.dumps({"table": table, "row": row}) + b"\n"
    yield END
