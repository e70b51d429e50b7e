"""What comes in and goes out about stored methods. The gateway's names for them stay here."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.fields import Line
from shared.http import PlainPageArguments
from shared.http.operating.answering import page_of

Length, OneOf = ma.validate.Length, ma.validate.OneOf
# Those that keep a payer's method.
KEEPERS = ("bkash", "stripe")
METHOD_STATES = ("created", "pending", "active", "failed", "removing", "removed")


def _time(**options: Any) -> ma.fields.AwareDateTime:
    return ma.fields.AwareDateTime(required=True, **options)


def _text(**options: Any) -> ma.fields.String:
    return ma.fields.String(required=True, **options)


class MethodRequestSchema(ma.Schema):
    gateway = _text(validate=OneOf(KEEPERS))
    return_url = Line(
        validate=[
            Length(max=1000),
            ma.validate.URL(schemes={"http", "https"}, require_tld=False),
        ],
        metadata={"description": "Where the payer's browser goes when it is back from the gateway"},
    )


class MethodSchema(ma.Schema):
    """`redirect_url` is where to send the payer; null while the gateway has not answered: read it again
    a few seconds later. `label` is what a person knows it by. `next_charge_at`: when it is looked next
    whether something is due."""

    id = ma.fields.UUID(required=True)
    customer_id = ma.fields.UUID(required=True)
    customer_name = _text()
    username = _text()
    gateway = _text(validate=OneOf(KEEPERS))
    state = _text(validate=OneOf(METHOD_STATES))
    label = _text(allow_none=True)
    redirect_url = _text(allow_none=True)
    failure = _text(allow_none=True)
    created_by = _text()
    created_at = _time()
    expires_at = _time()
    finished_at = _time(allow_none=True)
    next_charge_at = _time(allow_none=True)
    version = ma.fields.Integer(required=True)


class MethodArguments(PlainPageArguments):
    customer_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=OneOf(KEEPERS))
    state = ma.fields.String(validate=OneOf(METHOD_STATES))


class MethodReturnSchema(ma.Schema):
    """Nothing about the person: whoever has the link may read it."""

    state = _text(validate=OneOf(METHOD_STATES))


MethodPageSchema = page_of(MethodSchema)
