"""Scheduled exports, and the ageing of what is owed, as they come in and go out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.bodies import money
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

Length, OneOf = ma.validate.Length, ma.validate.OneOf
AGES = ("not_due", "1-30", "31-60", "61-90", "91+")


FORMATS = ("csv", "xlsx", "parquet")
EVERY = ("day", "week")


class ScheduleRequestSchema(ma.Schema):
    """`filter` and `columns` as POST /v1/exports takes them, without a period or a customer."""

    resource = ma.fields.String(
        required=True, validate=OneOf(["bills", "collections", "ledger", "payments"])
    )
    format = ma.fields.String(load_default="csv", validate=OneOf(FORMATS))
    filter = ma.fields.Dict(keys=ma.fields.String(), load_default=dict)
    columns = ma.fields.List(
        ma.fields.String(validate=Length(max=63)), validate=Length(min=1, max=100)
    )
    every = ma.fields.String(required=True, validate=OneOf(EVERY))


class ScheduleChangesSchema(ma.Schema):
    """What is left out stays; `filter` is replaced whole, and `columns` null means all of them."""

    format = ma.fields.String(validate=OneOf(FORMATS))
    filter = ma.fields.Dict(keys=ma.fields.String())
    columns = ma.fields.List(
        ma.fields.String(validate=Length(max=63)), validate=Length(min=1, max=100), allow_none=True
    )
    every = ma.fields.String(validate=OneOf(EVERY))


class ScheduleSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    resource = ma.fields.String(required=True)
    format = ma.fields.String(required=True)
    filter = ma.fields.Dict(required=True)
    columns = ma.fields.List(ma.fields.String(), required=True, allow_none=True)
    every = ma.fields.String(required=True)
    last_period = ma.fields.Date(required=True)
    operator_id = ma.fields.UUID(required=True)
    operator_name = ma.fields.String(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    version = ma.fields.Integer(required=True)


class ScheduleArguments(PageArguments):
    """Schedules, newest first."""

    class Meta:
        exclude = ("q",)


class AgeingArguments(ma.Schema):
    by = ma.fields.String(load_default="age", validate=OneOf(["age", "operator"]))


class AgeSchema(ma.Schema):
    """`age` is in days past due. With by=operator: of the customers that this operator manages."""

    age = ma.fields.String(required=True, validate=OneOf(AGES))
    operator_id = ma.fields.UUID()
    operator_name = ma.fields.String()
    bills = ma.fields.Integer(required=True)
    customers = ma.fields.Integer(required=True)
    unpaid = ma.fields.Nested(MoneySchema, required=True)


class AgeingSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(AgeSchema), required=True)


SchedulePageSchema = page_of(ScheduleSchema)


def body_of(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ScheduleSchema().fields}


def age(row: Any) -> dict[str, Any]:
    found = row._asdict()
    currency, unpaid = found.pop("currency"), found.pop("unpaid")
    return {str(name): value for name, value in found.items()} | {"unpaid": money(unpaid, currency)}
