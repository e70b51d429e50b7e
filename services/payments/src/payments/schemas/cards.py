"""Recharge cards as they come in and go out. A PIN comes in once, and never goes out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.fields import Line, Moment, MoneyIn
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating import JobSchema
from shared.http.operating.answering import page_of

STATES = ("unissued", "issued", "used", "expired", "void", "blocked")
Length, OneOf, Range, Regexp = (
    ma.validate.Length, ma.validate.OneOf, ma.validate.Range, ma.validate.Regexp,
)  # fmt: skip
# Serials have room for ten million in a batch; a job of a million takes about a minute.
MOST_CARDS = 1_000_000
SERIAL = Regexp(r"^[0-9]{13}$", error="13 digits")


class BatchRequestSchema(ma.Schema):
    """`commission` is what the operator earns for each card used; none when left out."""

    count = ma.fields.Integer(required=True, strict=True, validate=Range(min=1, max=MOST_CARDS))
    value = MoneyIn(required=True)
    commission = MoneyIn()
    expires_at = Moment(required=True)
    operator_id = ma.fields.UUID(
        metadata={"description": "Whose cards they are: the caller's when left out"}
    )
    passphrase = ma.fields.String(
        required=True, load_only=True, validate=Length(min=12, max=200),
        metadata={"description": "Opens the file of PINs; stored nowhere"},
    )  # fmt: skip

    @ma.validates_schema
    def commission_within_value(self, data: dict[str, Any], **_: Any) -> None:
        value, commission = data["value"], data.get("commission")
        if commission is not None and commission.currency != value.currency:
            raise ma.ValidationError("in the currency of value", "commission")
        if commission is not None and commission.amount > value.amount:
            raise ma.ValidationError("at most the value", "commission")


class AcceptedBatchSchema(JobSchema):
    """The job that makes the cards, and their batch."""

    batch_id = ma.fields.UUID(required=True)


class BatchSchema(ma.Schema):
    """`url` is there while the sealed file of PINs is; `cards` counts by state, on a single batch."""

    id = ma.fields.UUID(required=True)
    operator_id = ma.fields.UUID(required=True)
    count = ma.fields.Integer(required=True)
    value = ma.fields.Nested(MoneySchema, required=True)
    commission = ma.fields.Nested(MoneySchema, required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    created_by = ma.fields.String(required=True)
    job_id = ma.fields.UUID(required=True)
    first_serial = ma.fields.String(required=True)
    last_serial = ma.fields.String(required=True)
    made_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    sha256 = ma.fields.String(required=True, allow_none=True)
    url = ma.fields.String(required=True, allow_none=True)
    cards = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    version = ma.fields.Integer(required=True)


class FetchedSchema(ma.Schema):
    sha256 = ma.fields.String(
        required=True, validate=Regexp(r"^[0-9a-f]{64}$", error="64 hexadecimal digits"),
        metadata={"description": "Of the sealed file as it arrived"},
    )  # fmt: skip


class CardSchema(ma.Schema):
    serial = ma.fields.String(required=True)
    batch_id = ma.fields.UUID(required=True)
    operator_id = ma.fields.UUID(required=True)
    state = ma.fields.String(required=True, validate=OneOf(STATES))
    value = ma.fields.Nested(MoneySchema, required=True)
    commission = ma.fields.Nested(MoneySchema, required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    issued_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    used_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    payment_id = ma.fields.UUID(required=True, allow_none=True)


class _NoSearch(PageArguments):
    class Meta:
        exclude = ("q",)


class BatchArguments(_NoSearch):
    """Batches, newest first."""


class CardArguments(_NoSearch):
    """Cards in the order of their serials."""

    serial = ma.fields.String(validate=SERIAL)
    batch_id = ma.fields.UUID()
    state = ma.fields.String(validate=OneOf(STATES))


class CardChangeSchema(ma.Schema):
    """A whole batch, or the serials from `first_serial` to `last_serial` of it."""

    batch_id = ma.fields.UUID(required=True)
    first_serial = ma.fields.String(validate=SERIAL)
    last_serial = ma.fields.String(validate=SERIAL)


class CardReasonSchema(CardChangeSchema):
    reason = Line(required=True, validate=Length(min=3, max=500))


class RedeemSchema(ma.Schema):
    pin = ma.fields.String(required=True, load_only=True, validate=Length(min=1, max=60))
    username = Line(required=True, validate=Length(min=1, max=200))


BatchPageSchema = page_of(BatchSchema)
CardPageSchema = page_of(CardSchema)
