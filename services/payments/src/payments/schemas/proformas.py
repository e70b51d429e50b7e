"""Proforma bills as they go out, and what lists of them take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma

from payments.schemas.answers import ItemSchema, PeriodAnswerSchema
from payments.schemas.bodies import money
from payments.schemas.fields import Boundary
from payments.schemas.requests import in_order
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

STATES = ("open", "issued", "replaced", "withdrawn", "lapsed")


class ProformaSchema(ma.Schema):
    """What the next period will cost. `to_pay` is what the customer's funds do not cover yet.

    `issued`: `bill_id` took its place. `replaced`: by that of another package. `withdrawn`: the
    customer was closed, deleted or exported. `lapsed`: the period went by without a bill.
    """

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True)
    customer_name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(ItemSchema), required=True)
    total = ma.fields.Nested(MoneySchema, required=True)
    tax = ma.fields.Nested(MoneySchema, required=True)
    to_pay = ma.fields.Nested(MoneySchema, required=True)
    period = ma.fields.Nested(PeriodAnswerSchema, required=True)
    announced_at = ma.fields.AwareDateTime(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    bill_id = ma.fields.UUID(required=True, allow_none=True)
    ended_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class ProformaArguments(PageArguments):
    """`from` and `to` are about `announced_at`; `q` matches customer name, username, number, phone."""

    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }

    customer_id = ma.fields.UUID()
    state = ma.fields.String(validate=ma.validate.OneOf(STATES))
    number = ma.fields.String(validate=ma.validate.Length(max=100))

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        in_order(data)


ProformaPageSchema = page_of(ProformaSchema)


def proforma(row: Any) -> dict[str, Any]:
    total, tax = money(row.total, row.currency), money(row.tax, row.currency)
    left = max(row.total - row.available_funds, Decimal(0)) if row.state == "open" else Decimal(0)
    names = ("id", "number", "customer_id", "customer_name", "username", "announced_at", "state",
             "bill_id", "ended_at", "version")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "items": [
            {
                "description": row.description,
                "quantity": 1,
                "amount": total,
                "tax": tax,
                "tax_percent": f"{row.tax_percent.normalize():f}",
            }
        ],
        "total": total,
        "tax": tax,
        "to_pay": money(left, row.currency),
        "period": {"start": row.period_start, "end": row.period_end},
        "due_at": row.period_start,
    }
