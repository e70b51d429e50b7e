"""Statement imports, their lines, and how old what nobody has explained is."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.money import CURRENCIES
from payments.schemas.bodies import money
from payments.schemas.fields import Line
from payments.statements.dates import FORMATS as DATE_FORMATS
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating import JobSchema
from shared.http.operating.answering import page_of

STATES = ("open", "matched", "ignored")
EXCEPTIONS = ("not_in_books", "amount_differs", "ambiguous", "unknown")
SOURCES = ("bank", "bkash", "nagad", "sslcommerz", "stripe", "other")
Length, OneOf = ma.validate.Length, ma.validate.OneOf


class ImportArguments(ma.Schema):
    source = ma.fields.String(load_default="bank", validate=OneOf(SOURCES))
    currency = ma.fields.String(
        validate=OneOf(sorted(CURRENCIES)), metadata={"description": "Of lines that name none"}
    )
    date_format = ma.fields.String(
        load_default="YYYY-MM-DD",
        validate=OneOf(DATE_FORMATS),
        metadata={"description": "Of days that are not in ISO 8601, with any of / - . between"},
    )


class ImportSchema(ma.Schema):
    """`repeated` lines were in an earlier file already; `debits` went out and are left out; `failed`
    could not be read: the job's rows say why. Counted when the job is done, at `finished_at`."""

    id = ma.fields.UUID(required=True)
    source = ma.fields.String(required=True)
    format = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True)
    lines = ma.fields.Integer(required=True)
    repeated = ma.fields.Integer(required=True)
    debits = ma.fields.Integer(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    created_by = ma.fields.String(required=True)
    failed = ma.fields.Integer(required=True)
    job_id = ma.fields.UUID(required=True, allow_none=True)
    finished_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class AcceptedStatementSchema(JobSchema):
    """The job; its rows give a verdict per line: done, skipped (debit, repeated), or failed and why."""

    import_id = ma.fields.UUID(required=True)


class StatementLineSchema(ma.Schema):
    """`exception` says why an open line matches no payment."""

    id = ma.fields.UUID(required=True)
    import_id = ma.fields.UUID(required=True)
    source = ma.fields.String(required=True)
    line = ma.fields.Integer(required=True)
    booked_on = ma.fields.Date(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    fee = ma.fields.Nested(MoneySchema, required=True)
    reference = ma.fields.String(required=True, allow_none=True)
    description = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, validate=OneOf(STATES))
    exception = ma.fields.String(required=True, allow_none=True)
    payment_id = ma.fields.UUID(required=True, allow_none=True)
    decided_by = ma.fields.String(required=True, allow_none=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class _NoSearch(PageArguments):
    class Meta:
        exclude = ("q",)


class ImportsArguments(_NoSearch):
    """Imports, newest first."""


class StatementLineArguments(_NoSearch):
    """Lines, oldest first."""

    state = ma.fields.String(validate=OneOf(STATES))
    exception = ma.fields.String(validate=OneOf(EXCEPTIONS))
    import_id = ma.fields.UUID()
    source = ma.fields.String(validate=OneOf(SOURCES))


class MatchSchema(ma.Schema):
    payment_id = ma.fields.UUID(required=True)


class IgnoreSchema(ma.Schema):
    reason = Line(required=True, validate=Length(min=3, max=500))


class AgedLinesSchema(ma.Schema):
    source = ma.fields.String(required=True)
    exception = ma.fields.String(required=True, allow_none=True)
    age_days = ma.fields.String(required=True)
    lines = ma.fields.Integer(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)


class AgedPaymentsSchema(ma.Schema):
    method = ma.fields.String(required=True)
    age_days = ma.fields.String(required=True)
    payments = ma.fields.Integer(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)


class AgedReviewsSchema(ma.Schema):
    gateway = ma.fields.String(required=True)
    cause = ma.fields.String(required=True)
    age_days = ma.fields.String(required=True)
    payments = ma.fields.Integer(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)


class ReconciliationSchema(ma.Schema):
    """What a statement shows and no payment explains, payments that no statement shows, and money at
    gateways that waits for a person (`/v1/payment-reviews`): that of nobody known is `unknown_intent`."""

    open_lines = ma.fields.List(ma.fields.Nested(AgedLinesSchema), required=True)
    unsettled_payments = ma.fields.List(ma.fields.Nested(AgedPaymentsSchema), required=True)
    waiting_reviews = ma.fields.List(ma.fields.Nested(AgedReviewsSchema), required=True)


ImportPageSchema = page_of(ImportSchema)
StatementLinePageSchema = page_of(StatementLineSchema)


def statement_import(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ImportSchema().fields}


def statement_line(row: Any) -> dict[str, Any]:
    plain = {"amount", "fee"}
    return {
        **{name: getattr(row, name) for name in StatementLineSchema().fields if name not in plain},
        "amount": money(row.amount, row.currency),
        "fee": money(row.fee, row.currency),
    }


def aged(row: Any) -> dict[str, Any]:
    found = row._asdict()
    return {str(k): v for k, v in found.items() if k != "currency"} | {
        "amount": money(row.amount, row.currency)
    }
