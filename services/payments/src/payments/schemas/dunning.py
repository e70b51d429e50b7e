"""Dunning as it comes in and goes out: policies, the calendar, promises, reminders."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.fields import Line, Lines, MoneyIn
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

PROMISE_STATES = ("open", "kept", "broken", "withdrawn")
Length, OneOf, Range = ma.validate.Length, ma.validate.OneOf, ma.validate.Range


def _different(values: list[Any]) -> None:
    if len(set(values)) != len(values):
        raise ma.ValidationError("name each once")


class PolicyRequestSchema(ma.Schema):
    """`remind_days` are days after the due date, negative before it."""

    grace_days = ma.fields.Integer(required=True, strict=True, validate=Range(min=0, max=365))
    remind_days = ma.fields.List(
        ma.fields.Integer(strict=True, validate=Range(min=-60, max=365)),
        load_default=list, validate=[Length(max=20), _different],
    )  # fmt: skip
    promise_days = ma.fields.Integer(required=True, strict=True, validate=Range(min=0, max=90))
    promises_a_quarter = ma.fields.Integer(
        required=True, strict=True, validate=Range(min=0, max=90)
    )


class PolicySchema(ma.Schema):
    """`class_id` null is for every class without a policy of its own."""

    class_id = ma.fields.UUID(required=True, allow_none=True)
    grace_days = ma.fields.Integer(required=True)
    remind_days = ma.fields.List(ma.fields.Integer(), required=True)
    promise_days = ma.fields.Integer(required=True)
    promises_a_quarter = ma.fields.Integer(required=True)
    version = ma.fields.Integer(required=True)


class PoliciesSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PolicySchema), required=True)


class HolidaySchema(ma.Schema):
    day = ma.fields.Date(required=True)
    name = Line(required=True, validate=Length(min=1, max=100))


class CalendarRequestSchema(ma.Schema):
    """`weekend` by ISO 8601: Monday is 1, Sunday is 7; Friday and Saturday are [5, 6]."""

    weekend = ma.fields.List(
        ma.fields.Integer(strict=True, validate=Range(min=1, max=7)),
        required=True, validate=[Length(max=6), _different],
    )  # fmt: skip
    holidays = ma.fields.List(
        ma.fields.Nested(HolidaySchema), required=True, validate=Length(max=1000)
    )

    @ma.validates_schema
    def each_day_once(self, data: dict[str, Any], **_: Any) -> None:
        if len({holiday["day"] for holiday in data["holidays"]}) != len(data["holidays"]):
            raise ma.ValidationError("name each day once", "holidays")


class CalendarSchema(ma.Schema):
    """Nobody is cut off on these days of `time_zone`."""

    weekend = ma.fields.List(ma.fields.Integer(), required=True)
    holidays = ma.fields.List(ma.fields.Nested(HolidaySchema), required=True)
    time_zone = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class PromiseRequestSchema(ma.Schema):
    until = ma.fields.Date(required=True, metadata={"description": "The last day to pay"})
    amount = MoneyIn(metadata={"description": "All that is owed when left out"})
    note = Lines(allow_none=True, validate=Length(max=1000))


class PromiseSchema(ma.Schema):
    """`until` is the moment when the last day ends."""

    id = ma.fields.UUID(required=True)
    customer_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    until = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(required=True, validate=OneOf(PROMISE_STATES))
    note = ma.fields.String(required=True, allow_none=True)
    operator_id = ma.fields.UUID(required=True, allow_none=True)
    operator_name = ma.fields.String(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    ended_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class AutoPaymentSchema(ma.Schema):
    """`failures` since the last payment."""

    customer_id = ma.fields.UUID(required=True)
    failures = ma.fields.Integer(required=True)
    payment_frozen = ma.fields.Boolean(required=True)


class _NoSearch(PageArguments):
    class Meta:
        exclude = ("q",)


class PromiseArguments(_NoSearch):
    """Promises, newest first."""

    customer_id = ma.fields.UUID()
    state = ma.fields.String(validate=OneOf(PROMISE_STATES))


class ReminderArguments(_NoSearch):
    """Reminders, newest first."""

    customer_id = ma.fields.UUID()


class ReminderSchema(ma.Schema):
    bill_id = ma.fields.UUID(required=True)
    customer_id = ma.fields.UUID(required=True)
    day = ma.fields.Integer(required=True, metadata={"description": "After the due date"})
    at = ma.fields.AwareDateTime(required=True)


PromisePageSchema = page_of(PromiseSchema)
ReminderPageSchema = page_of(ReminderSchema)
