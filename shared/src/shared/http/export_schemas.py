"""Exports as they come in and go out (seeds E20 to E24)."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import available_timezones

import marshmallow as ma

from shared.http.operating import JobSchema
from shared.http.paging import PlainPageArguments


class ExportSchema(ma.Schema):
    """`state` is the job's, and `removed` once the file is gone; `url` is there while it can be fetched."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    resource = ma.fields.String(required=True)
    format = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    rows_written = ma.fields.Integer(required=True)
    manifest = ma.fields.Dict(allow_none=True, required=True)
    error = ma.fields.String(allow_none=True, required=True)
    url = ma.fields.String(allow_none=True, required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    removed_at = ma.fields.AwareDateTime(allow_none=True, required=True)


class ExportPageSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExportSchema), required=True)
    next_cursor = ma.fields.String(allow_none=True, required=True)
    total = ma.fields.Integer()
    total_is_estimate = ma.fields.Boolean()


class AcceptedExportSchema(JobSchema):
    """The job that makes the file, and the export that will offer it."""

    export_id = ma.fields.UUID(required=True)


class ExportArguments(PlainPageArguments):
    resource = ma.fields.String(validate=ma.validate.Length(max=60))


def _is_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ma.ValidationError("not an IANA time zone, such as Asia/Dhaka")


def request_schema(known: Iterable[str]) -> type[ma.Schema]:
    class ExportRequestSchema(ma.Schema):
        resource = ma.fields.String(required=True, validate=ma.validate.OneOf(sorted(known)))
        format = ma.fields.String(
            load_default="csv", validate=ma.validate.OneOf(["csv", "xlsx", "parquet"])
        )
        filter = ma.fields.Dict(
            keys=ma.fields.String(),
            load_default=dict,
            metadata={"description": "Filters as the resource's list takes them"},
        )
        columns = ma.fields.List(
            ma.fields.String(validate=ma.validate.Length(max=63)),
            validate=ma.validate.Length(min=1, max=100),
            metadata={"description": "In the order wanted; all when left out"},
        )
        sort = ma.fields.String(
            validate=ma.validate.Length(min=1, max=200),
            metadata={
                "description": "As the resource's list takes it; its own order when left out"
            },
        )
        time_zone = ma.fields.String(
            load_default="UTC",
            validate=_is_time_zone,
            metadata={"description": "An IANA name; times are written in it"},
        )

    return ExportRequestSchema
