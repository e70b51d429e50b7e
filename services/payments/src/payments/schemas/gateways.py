"""What comes in and goes out about gateways: intents, deliveries, reviews, refunds."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.gateways.configuration import KINDS
from payments.reviewing import TO_DO
from payments.schemas.fields import Boundary, Line, MoneyIn
from shared.http import PlainPageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

Length, OneOf = ma.validate.Length, ma.validate.OneOf
GATEWAYS = tuple(KINDS)
INTENT_STATES = ("created", "pending", "succeeded", "failed", "expired", "needs_review")
DELIVERY_STATES = ("received", "processed", "ignored", "failed", "refused")
VERDICTS = ("genuine", "unsigned", "forged")
REVIEW_STATES = ("open", "approved", "rejected")
REFUND_STATES = ("refund_pending", "refunded", "failed")


def _time(**options: Any) -> ma.fields.AwareDateTime:
    return ma.fields.AwareDateTime(required=True, **options)


def _text(**options: Any) -> ma.fields.String:
    return ma.fields.String(required=True, **options)


def _id(**options: Any) -> ma.fields.UUID:
    return ma.fields.UUID(required=True, **options)


class IntentRequestSchema(ma.Schema):
    customer_id = _id()
    gateway = _text(validate=OneOf(GATEWAYS))
    amount = MoneyIn(required=True)
    return_url = Line(
        validate=[
            Length(max=1000),
            ma.validate.URL(schemes={"http", "https"}, require_tld=False),
        ],
        metadata={"description": "Where the payer's browser goes when it is back from the gateway"},
    )


class IntentSchema(ma.Schema):
    """`redirect_url` is where to send the payer; null while the gateway has not answered: read it
    again a few seconds later. Where a stored method (`method_id`) pays nobody is sent anywhere.
    `failure` says why it failed, or why the gateway was not reached."""

    id = _id()
    customer_id = _id()
    customer_name = _text()
    username = _text()
    gateway = _text(validate=OneOf(GATEWAYS))
    amount = ma.fields.Nested(MoneySchema, required=True)
    state = _text(validate=OneOf(INTENT_STATES))
    reference = _text()
    redirect_url = _text(allow_none=True)
    failure = _text(allow_none=True)
    payment_id = _id(allow_none=True)
    method_id = _id(allow_none=True)
    created_by = _text()
    created_at = _time()
    expires_at = _time()
    finished_at = _time(allow_none=True)
    next_check_at = _time(allow_none=True)
    checks = ma.fields.Integer(required=True)
    version = ma.fields.Integer(required=True)


class IntentArguments(PlainPageArguments):
    customer_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=OneOf(GATEWAYS))
    state = ma.fields.String(validate=OneOf(INTENT_STATES))


class ReturnSchema(ma.Schema):
    """Nothing about the person: whoever has the link may read it."""

    state = _text(validate=OneOf(INTENT_STATES))


class ReceivedSchema(ma.Schema):
    received = ma.fields.Boolean(required=True)


class DeliverySchema(ma.Schema):
    id = _id()
    gateway = _text(validate=OneOf(GATEWAYS))
    received_at = _time()
    source_address = _text(allow_none=True)
    verdict = _text(validate=OneOf(VERDICTS), allow_none=True)
    state = _text(validate=OneOf(DELIVERY_STATES))
    outcome = _text(allow_none=True)
    event_id = _text(allow_none=True)
    repeats = ma.fields.Integer(required=True)
    intent_id = _id(allow_none=True)
    customer_id = _id(allow_none=True)
    attempts = ma.fields.Integer(required=True)
    next_at = _time(allow_none=True)
    processed_at = _time(allow_none=True)
    version = ma.fields.Integer(required=True)


class DeliveryDetailSchema(DeliverySchema):
    """`body` as it came; bytes that are no UTF-8 are replaced."""

    headers = ma.fields.Dict(required=True, allow_none=True)
    body = _text(allow_none=True)


class DeliveryArguments(PlainPageArguments):
    customer_id = ma.fields.UUID()
    intent_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=OneOf(GATEWAYS))
    state = ma.fields.String(validate=OneOf(DELIVERY_STATES))
    verdict = ma.fields.String(validate=OneOf(VERDICTS))


class ReviewSchema(ma.Schema):
    """`amount` is what the gateway says was paid, `expected` what was asked for."""

    id = _id()
    gateway = _text(validate=OneOf(GATEWAYS))
    transaction_reference = _text()
    intent_id = _id(allow_none=True)
    customer_id = _id(allow_none=True)
    customer_name = _text(allow_none=True)
    username = _text(allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    expected = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    paid_at = _time()
    cause = _text(validate=OneOf(tuple(TO_DO)))
    what_to_do = _text()
    state = _text(validate=OneOf(REVIEW_STATES))
    opened_at = _time()
    decided_at = _time(allow_none=True)
    decided_by = _text(allow_none=True)
    decision_reason = _text(allow_none=True)
    payment_id = _id(allow_none=True)
    version = ma.fields.Integer(required=True)


class ReviewArguments(PlainPageArguments):
    customer_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=OneOf(GATEWAYS))
    state = ma.fields.String(validate=OneOf(REVIEW_STATES))
    cause = ma.fields.String(validate=OneOf(tuple(TO_DO)))


class ApproveSchema(ma.Schema):
    customer_id = ma.fields.UUID(
        metadata={"description": "Whose money it is, where the review names nobody or another"}
    )
    reason = Line(required=True, validate=Length(min=3, max=500))


class RejectSchema(ma.Schema):
    reason = Line(required=True, validate=Length(min=3, max=500))
    give_back = ma.fields.Boolean(
        load_default=False, metadata={"description": "Send the money back through the gateway"}
    )


class RefundSchema(ma.Schema):
    """Money on its way back through a gateway, of a payment or of a rejected review."""

    id = _id()
    gateway = _text(validate=OneOf(GATEWAYS))
    transaction_reference = _text()
    payment_id = _id(allow_none=True)
    review_id = _id(allow_none=True)
    customer_id = _id(allow_none=True)
    customer_name = _text(allow_none=True)
    username = _text(allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    reason = _text(allow_none=True)
    state = _text(validate=OneOf(REFUND_STATES))
    gateway_reference = _text(allow_none=True)
    error = _text(allow_none=True)
    requested_by = _text()
    created_at = _time()
    finished_at = _time(allow_none=True)
    attempts = ma.fields.Integer(required=True)
    next_at = _time(allow_none=True)
    version = ma.fields.Integer(required=True)


class RefundArguments(PlainPageArguments):
    customer_id = ma.fields.UUID()
    payment_id = ma.fields.UUID()
    gateway = ma.fields.String(validate=OneOf(GATEWAYS))
    state = ma.fields.String(validate=OneOf(REFUND_STATES))


class SpeedArguments(ma.Schema):
    """The last 30 days when left out."""

    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }


class SecondsSchema(ma.Schema):
    p50 = ma.fields.Float(required=True)
    p95 = ma.fields.Float(required=True)
    p99 = ma.fields.Float(required=True)


class SpeedSchema(ma.Schema):
    """Seconds from a gateway's word. `settled` payments ended a suspension, and `online` of their
    customers were let in again; a null gateway stands for all."""

    gateway = _text(allow_none=True)
    payments = ma.fields.Integer(required=True)
    to_books = ma.fields.Nested(SecondsSchema, required=True)
    settled = ma.fields.Integer(required=True)
    online = ma.fields.Integer(required=True)
    to_internet = ma.fields.Nested(SecondsSchema, required=True, allow_none=True)


class SpeedsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(SpeedSchema), required=True)


IntentPageSchema = page_of(IntentSchema)
DeliveryPageSchema = page_of(DeliverySchema)
ReviewPageSchema = page_of(ReviewSchema)
RefundPageSchema = page_of(RefundSchema)
