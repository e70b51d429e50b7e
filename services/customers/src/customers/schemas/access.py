"""Who looked at personal data, on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.schemas import fields
from shared.http import PlainPageArguments


class AccessSchema(ma.Schema):
    """`subject` is whose record it was, when it was one alone; `records` how many were shown."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.DateTime(format="iso", required=True)
    actor = ma.fields.String(required=True)
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    ip = ma.fields.String(required=True, allow_none=True)
    request_id = ma.fields.String(required=True)
    what = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True, allow_none=True)
    records = ma.fields.Integer(required=True)


class AccessArguments(PlainPageArguments):
    actor = ma.fields.String(validate=ma.validate.Length(1, 100))
    what = ma.fields.String(validate=ma.validate.Length(1, 100))
    subject = ma.fields.UUID()
    since = fields.moment(data_key="from", attribute="from")
    to = fields.moment()


class ChainHeadArguments(PlainPageArguments):
    service = fields.one_of("customers", "payments", "radius-sync")


class ChainHeadSchema(ma.Schema):
    """`token`: a compact JWS over service, position, hash and at, for keeping elsewhere."""

    id = ma.fields.UUID(required=True)
    service = ma.fields.String(required=True)
    position = ma.fields.Integer(required=True)
    hash = ma.fields.String(required=True)
    at = ma.fields.DateTime(format="iso", required=True)
    kid = ma.fields.String(required=True)
    token = ma.fields.String(required=True)
    former_fits = ma.fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Whether the head before still stood when this one was taken"},
    )
    fits = ma.fields.Boolean(
        required=True,
        allow_none=True,
        metadata={
            "description": "Whether it stands in the chain now; for the others' chains ask their"
            " /v1/operations/verify with position and hash"
        },
    )
