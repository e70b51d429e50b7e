"""Credits as they come in and go out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.fields import Boundary, Line, MoneyIn
from payments.schemas.requests import in_order
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

KINDS = ("adjustment", "credit_note", "write_off")
Length, OneOf = ma.validate.Length, ma.validate.OneOf


class AdjustmentRequestSchema(ma.Schema):
    """`credit` is in the customer's favour, `debit` is a bill for it."""

    direction = ma.fields.String(required=True, validate=OneOf(["credit", "debit"]))
    amount = MoneyIn(required=True)
    reason = Line(required=True, validate=Length(min=3, max=180))


class CreditRequestSchema(ma.Schema):
    amount = MoneyIn(metadata={"description": "All that is left when left out"})
    reason = Line(required=True, validate=Length(min=3, max=500))


class CreditFilters(ma.Schema):
    class Meta:
        include = {"from": Boundary(), "to": Boundary(end=True)}

    customer_id = ma.fields.UUID()
    bill_id = ma.fields.UUID()
    kind = ma.fields.String(validate=OneOf(KINDS))

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        in_order(data)


class _NoSearch(PageArguments):
    class Meta:
        exclude = ("q",)


class CreditArguments(CreditFilters, _NoSearch):
    """Credits, newest first."""

    class Meta(CreditFilters.Meta, _NoSearch.Meta):
        pass


class CreditSchema(ma.Schema):
    """`allocated` pays bills, `reversed` was taken back; the rest waits as funds. `tax` is the part of a
    credit note's `amount` that its bill had charged for the state."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=OneOf(KINDS))
    customer_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    bill_id = ma.fields.UUID(required=True, allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    tax = ma.fields.Nested(MoneySchema, required=True)
    reversed = ma.fields.Nested(MoneySchema, required=True)
    allocated = ma.fields.Nested(MoneySchema, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    operator_id = ma.fields.UUID(required=True, allow_none=True)
    operator_name = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class AdjustmentSchema(ma.Schema):
    """One of `credit_id` and `bill_id` says what the adjustment became."""

    number = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True)
    direction = ma.fields.String(required=True, validate=OneOf(["credit", "debit"]))
    amount = ma.fields.Nested(MoneySchema, required=True)
    credit_id = ma.fields.UUID(required=True, allow_none=True)
    bill_id = ma.fields.UUID(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)


CreditPageSchema = page_of(CreditSchema)
