"""Webhook endpoints and deliveries on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.schemas import fields
from customers.webhooks.endpoints import SENT
from shared.http import PlainPageArguments

STATES = ("due", "delivered", "dead", "gone")


class EndpointChangesSchema(ma.Schema):
    """`types` empty: every type. `active`: false rests it, true wakes it, a disabled one too."""

    url = ma.fields.String(validate=ma.validate.Length(1, 2000))
    description = fields.line(200)
    types = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(SENT)), validate=ma.validate.Length(0, 100)
    )
    active = ma.fields.Boolean()


class NewEndpointSchema(ma.Schema):
    url = ma.fields.String(required=True, validate=ma.validate.Length(1, 2000))
    description = fields.line(200, load_default="")
    types = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(SENT)),
        validate=ma.validate.Length(0, 100),
        load_default=list,
    )


class EndpointSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    operator_id = ma.fields.UUID(required=True)
    url = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    types = ma.fields.List(ma.fields.String(), required=True)
    state = fields.one_of("active", "paused", "disabled", required=True)
    failing_since = ma.fields.DateTime(format="iso", allow_none=True, required=True)
    previous_until = ma.fields.DateTime(
        format="iso",
        allow_none=True,
        required=True,
        metadata={"description": "Until then the secret before the last rotation signs too"},
    )
    version = ma.fields.Integer(required=True)
    created_at = ma.fields.DateTime(format="iso", required=True)
    updated_at = ma.fields.DateTime(format="iso", required=True)
    secret = ma.fields.String(
        metadata={"description": "`whsec_…`: in the answers that make it only"}
    )


class DeliveryArguments(PlainPageArguments):
    state = fields.one_of(*STATES)
    type = ma.fields.String(validate=ma.validate.OneOf(SENT))


class DeliverySchema(ma.Schema):
    """`gone`: the event was erased before it could be sent."""

    id = ma.fields.UUID(required=True)
    source = ma.fields.String(required=True)
    event_id = ma.fields.UUID(required=True)
    type = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True)
    occurred_at = ma.fields.DateTime(format="iso", required=True)
    state = fields.one_of(*STATES, required=True)
    attempts = ma.fields.Integer(required=True)
    due_at = ma.fields.DateTime(format="iso", required=True)
    last_at = ma.fields.DateTime(format="iso", allow_none=True, required=True)
    last_status = ma.fields.Integer(allow_none=True, required=True)
    last_error = ma.fields.String(allow_none=True, required=True)


class ReplaySchema(ma.Schema):
    """What happened in that time (`from` included, `to` not); or the deliveries named."""

    states = ma.fields.List(
        fields.one_of("delivered", "dead"),
        load_default=lambda: ["dead"],
        validate=ma.validate.Length(1, 2),
    )
    ids = ma.fields.List(ma.fields.UUID(), validate=ma.validate.Length(1, 1000))
    since = fields.moment(data_key="from", attribute="from")
    to = fields.moment()


class ReplayedSchema(ma.Schema):
    replayed = ma.fields.Integer(required=True)


class PingedSchema(ma.Schema):
    delivered = ma.fields.Boolean(required=True)
    status = ma.fields.Integer(required=True, allow_none=True)
    error = ma.fields.String(required=True, allow_none=True)
