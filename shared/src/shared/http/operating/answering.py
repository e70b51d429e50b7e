"""What the operating routes share: the database at hand, and bodies straight through orjson.

Schemas document these bodies; they are not dumped through marshmallow, which costs 17 times as much
(reference ecosystem, trap 15).
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import orjson
from flask import Response, current_app
from sqlalchemy import ColumnClause, column

from shared.database import Database


def columns(names: str) -> list[ColumnClause[Any]]:
    return [column(name) for name in names.split()]


def database() -> Database:
    found: Database = current_app.extensions["tenure.database"]
    return found


def as_json(body: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(
        orjson.dumps(body, default=str), status, headers, content_type="application/json"
    )


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of one page of a list."""
    fields: dict[str, Any] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next_cursor": ma.fields.String(required=True, allow_none=True),
        "total": ma.fields.Integer(metadata={"description": "With include=total"}),
        "total_is_estimate": ma.fields.Boolean(),
    }
    return ma.Schema.from_dict(fields, name=item.__name__.removesuffix("Schema") + "PageSchema")
