"""What goes out. Lists and single resources have the same form."""

from __future__ import annotations

import marshmallow as ma

from payments.domain import BILL_STATUSES, METHODS, PAYMENT_STATUSES
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

OneOf = ma.validate.OneOf
LINE_KINDS = (
    "bill", "bill_void", "payment", "payment_void", "refund",
    "adjustment", "credit_note", "write_off", "credit_reversal",
)  # fmt: skip


class AllocationSchema(ma.Schema):
    bill_id = ma.fields.UUID(required=True)
    bill_number = ma.fields.String(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)


class PaymentSchema(ma.Schema):
    """E5-E12. `operator_name` is who recorded it, or the gateway that processed it (E10)."""

    id = ma.fields.UUID(required=True)
    customer_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    refunded = ma.fields.Nested(MoneySchema, required=True)
    method = ma.fields.String(required=True, validate=OneOf(METHODS))
    recorded_at = ma.fields.AwareDateTime(required=True)
    paid_at = ma.fields.AwareDateTime(required=True)
    settled_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    operator_id = ma.fields.UUID(required=True, allow_none=True)
    operator_name = ma.fields.String(required=True)
    gateway = ma.fields.String(required=True, allow_none=True)
    transaction_reference = ma.fields.String(required=True, allow_none=True)
    note = ma.fields.String(required=True, allow_none=True)
    status = ma.fields.String(required=True, validate=OneOf(PAYMENT_STATUSES))
    receipt_number = ma.fields.String(required=True)
    voided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    allocations = ma.fields.List(ma.fields.Nested(AllocationSchema), required=True)
    version = ma.fields.Integer(required=True)


class ObjectionSchema(ma.Schema):
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    payment_ids = ma.fields.List(
        ma.fields.UUID(), metadata={"description": "What it may be a duplicate of"}
    )


class RecordedItemSchema(ma.Schema):
    """One of `payment` and `error`."""

    index = ma.fields.Integer(required=True)
    payment = ma.fields.Nested(PaymentSchema)
    error = ma.fields.Nested(ObjectionSchema)


class RecordedSchema(ma.Schema):
    recorded = ma.fields.Integer(required=True)
    failed = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Nested(RecordedItemSchema), required=True)


class SumSchema(ma.Schema):
    method = ma.fields.String(validate=OneOf(METHODS))
    payments = ma.fields.Integer(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    refunded = ma.fields.Nested(MoneySchema, required=True)
    net = ma.fields.Nested(MoneySchema, required=True)


class TotalsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(SumSchema), required=True)


class CollectionSchema(SumSchema):
    day = ma.fields.Date()
    operator_id = ma.fields.UUID(allow_none=True)
    operator_name = ma.fields.String()


class CollectionsSchema(ma.Schema):
    time_zone = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(CollectionSchema), required=True)


class ItemSchema(ma.Schema):
    """`tax` is a part of `amount`."""

    description = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True)
    amount = ma.fields.Nested(
        MoneySchema, required=True,
        metadata={"description": "Of the whole line, not of one piece"},
    )  # fmt: skip
    tax = ma.fields.Nested(MoneySchema, required=True)
    tax_percent = ma.fields.String(required=True)


class PeriodAnswerSchema(ma.Schema):
    start = ma.fields.AwareDateTime(required=True)
    end = ma.fields.AwareDateTime(required=True, allow_none=True)


class BillSchema(ma.Schema):
    """`tax` is a part of `total`."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(ItemSchema), required=True)
    total = ma.fields.Nested(MoneySchema, required=True)
    tax = ma.fields.Nested(MoneySchema, required=True)
    paid = ma.fields.Nested(MoneySchema, required=True)
    period = ma.fields.Nested(PeriodAnswerSchema, required=True, allow_none=True)
    issued_at = ma.fields.AwareDateTime(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    voided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    status = ma.fields.String(required=True, validate=OneOf(BILL_STATUSES))
    version = ma.fields.Integer(required=True)


class BalanceSchema(ma.Schema):
    """E27 as a view of the ledger: outstanding = billed - paid, void bills and payments counting nowhere.

    `credited` is what void bills, credit notes, adjustments and write-offs took back, counted in
    `billed`; `available_funds` is money of the customer that no bill has taken. The use of a credit is
    told of postpaid customers with a limit (C24, C43), of others it is null. `expenses_today` is what
    the spending limit is held against (C30).
    """

    customer_id = ma.fields.UUID(required=True)
    currency = ma.fields.String(required=True)
    billed = ma.fields.Nested(MoneySchema, required=True)
    paid = ma.fields.Nested(MoneySchema, required=True)
    credited = ma.fields.Nested(MoneySchema, required=True)
    outstanding = ma.fields.Nested(MoneySchema, required=True)
    overdue = ma.fields.Boolean(required=True)
    overdue_amount = ma.fields.Nested(MoneySchema, required=True)
    available_funds = ma.fields.Nested(MoneySchema, required=True)
    expenses_today = ma.fields.Nested(MoneySchema, required=True)
    credit_limit = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    credit_used = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    credit_left = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class LineSchema(ma.Schema):
    """`amount` is positive when it adds to what is owed; `balance` is what was owed after it."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    recorded_at = ma.fields.AwareDateTime(required=True)
    kind = ma.fields.String(required=True, validate=OneOf(LINE_KINDS))
    bill_id = ma.fields.UUID(required=True, allow_none=True)
    payment_id = ma.fields.UUID(required=True, allow_none=True)
    credit_id = ma.fields.UUID(required=True, allow_none=True)
    number = ma.fields.String(required=True, allow_none=True)
    method = ma.fields.String(required=True, allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    balance = ma.fields.Nested(MoneySchema, required=True)


class ReceiptSchema(ma.Schema):
    number = ma.fields.String(required=True)
    verification_code = ma.fields.String(required=True)
    payment_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    customer_number = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    refunded = ma.fields.Nested(MoneySchema, required=True)
    method = ma.fields.String(required=True)
    transaction_reference = ma.fields.String(required=True, allow_none=True)
    paid_at = ma.fields.AwareDateTime(required=True)
    recorded_at = ma.fields.AwareDateTime(required=True)
    received_by = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    allocations = ma.fields.List(ma.fields.Nested(AllocationSchema), required=True)


class VerificationSchema(ma.Schema):
    """A genuine receipt's money and state; nothing about the person."""

    genuine = ma.fields.Boolean(required=True)
    amount = ma.fields.Nested(MoneySchema, allow_none=True)
    paid_at = ma.fields.AwareDateTime(allow_none=True)
    status = ma.fields.String(allow_none=True)


class FindingSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    kind = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True)
    detail = ma.fields.Dict(required=True)


class ProofSchema(ma.Schema):
    """The last nightly proof and what it found to differ from the ledger."""

    proved_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    accounts = ma.fields.Integer(required=True, allow_none=True)
    differences = ma.fields.Integer(required=True, allow_none=True)
    findings = ma.fields.List(ma.fields.Nested(FindingSchema), required=True)


PaymentPageSchema = page_of(PaymentSchema)
BillPageSchema = page_of(BillSchema)
LinePageSchema = page_of(LineSchema)
