"""The heads of the operations logs, on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.schemas import fields
from shared.http import PlainPageArguments


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
