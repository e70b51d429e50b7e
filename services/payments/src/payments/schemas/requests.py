"""What comes in."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.domain import BILL_STATUSES, METHODS, PAYMENT_STATUSES
from payments.schemas.fields import Boundary, Line, Lines, Moment, MoneyIn, Percent
from shared.http import PageArguments, PlainPageArguments

Length, OneOf, Range = ma.validate.Length, ma.validate.OneOf, ma.validate.Range


def in_order(data: dict[str, Any]) -> None:
    if data.get("from") and data.get("to") and data["from"] >= data["to"]:
        raise ma.ValidationError("lies before `from`", "to")


class OverrideSchema(ma.Schema):
    reason = Line(required=True, validate=Length(min=3, max=200))


class PaymentRequestSchema(ma.Schema):
    """E31: amount, method, optional note."""

    customer_id = ma.fields.UUID(required=True)
    amount = MoneyIn(required=True)
    method = ma.fields.String(required=True, validate=OneOf(METHODS))
    paid_at = Moment(metadata={"description": "When the money was paid; now when left out"})
    transaction_reference = Line(allow_none=True, validate=Length(min=1, max=120))
    note = Lines(allow_none=True, validate=Length(max=1000))
    override_duplicate = ma.fields.Nested(OverrideSchema)


class PaymentsRequestSchema(ma.Schema):
    payments = ma.fields.List(
        ma.fields.Nested(PaymentRequestSchema), required=True, validate=Length(min=1, max=500)
    )


class ReasonSchema(ma.Schema):
    reason = Line(required=True, validate=Length(min=3, max=500))


class RefundRequestSchema(ReasonSchema):
    amount = MoneyIn(metadata={"description": "All that is left of the payment when left out"})
    through_gateway = ma.fields.Boolean(
        load_default=True,
        metadata={"description": "False when the money was given back by hand"},
    )


class RangeArguments(ma.Schema):
    """E13-E15. `from` and `to` are days or moments of `recorded_at`."""

    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }

    operator_id = ma.fields.UUID(metadata={"description": "Who recorded it"})
    method = ma.fields.String(validate=OneOf(METHODS))

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        in_order(data)


class PaymentFilters(RangeArguments):
    status = ma.fields.String(validate=OneOf(PAYMENT_STATUSES))
    customer_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=Length(max=40))


class PaymentArguments(PaymentFilters, PageArguments):
    """The payments log. `q` matches parts of customer name, username, number, phone and reference
    (E17-E19), and whole receipt numbers."""


class TotalsArguments(PaymentFilters):
    q = ma.fields.String(validate=Length(min=1, max=200))


class CollectionsArguments(RangeArguments):
    by = ma.fields.String(
        load_default="day,method,operator",
        metadata={"description": "Some of day, method, operator, separated by commas"},
    )

    @ma.validates("by")
    def known_groups(self, value: str, **_: Any) -> None:
        names = value.split(",")
        if not set(names) <= {"day", "method", "operator"} or len(set(names)) != len(names):
            raise ma.ValidationError("some of day, method, operator, each once")


class ItemRequestSchema(ma.Schema):
    """`amount` is that of the whole line, with its tax or without as the site tells its prices."""

    description = Line(required=True, validate=Length(min=1, max=200))
    quantity = ma.fields.Integer(
        strict=True, load_default=1, validate=Range(min=1, max=1_000_000),
        metadata={"description": "Printed on the bill; `amount` is not multiplied by it"},
    )  # fmt: skip
    amount = MoneyIn(required=True, metadata={"description": "Of the whole line, not of one piece"})
    tax_percent = Percent(metadata={"description": "The site's rate when left out"})


class PeriodSchema(ma.Schema):
    start = Moment(required=True)
    end = Moment(required=True)

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["start"] >= data["end"]:
            raise ma.ValidationError("must lie after start", "end")


class BillRequestSchema(ma.Schema):
    customer_id = ma.fields.UUID(required=True)
    items = ma.fields.List(
        ma.fields.Nested(ItemRequestSchema), required=True, validate=Length(min=1, max=100)
    )
    period = ma.fields.Nested(PeriodSchema)
    due_at = Moment(metadata={"description": "By the customer's terms of payment when left out"})

    @ma.validates_schema
    def one_currency(self, data: dict[str, Any], **_: Any) -> None:
        if len({item["amount"].currency for item in data["items"]}) > 1:
            raise ma.ValidationError("a bill has one currency", "items")


class BillFilters(ma.Schema):
    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }

    customer_id = ma.fields.UUID()
    status = ma.fields.String(validate=OneOf(BILL_STATUSES))
    due_before = Moment()
    number = ma.fields.String(validate=Length(max=100))

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        in_order(data)


class BillArguments(BillFilters, PageArguments):
    """`q` matches customer name, username, number and phone."""


class LedgerFilters(ma.Schema):
    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }

    customer_id = ma.fields.UUID()


class StatementArguments(PlainPageArguments):
    """One customer's lines, newest first."""


class VerifyArguments(ma.Schema):
    number = ma.fields.String(required=True, validate=Length(min=1, max=120))
    code = ma.fields.String(required=True, validate=Length(min=1, max=40))
