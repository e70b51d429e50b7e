"""The report of taxes as it comes in and goes out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.schemas.bodies import money
from payments.schemas.fields import Boundary
from payments.schemas.requests import in_order
from shared.http.blueprint import MoneySchema


class TaxArguments(ma.Schema):
    """`from` and `to` are days or moments of booking; the last year when left out."""

    class Meta:
        include = {
            "from": Boundary(),
            "to": Boundary(end=True),
        }

    @ma.validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        in_order(data)


class MonthSchema(ma.Schema):
    month = ma.fields.String(required=True)
    charged = ma.fields.Nested(MoneySchema, required=True)
    taken_back = ma.fields.Nested(MoneySchema, required=True)
    owed = ma.fields.Nested(MoneySchema, required=True)


class TaxesSchema(ma.Schema):
    """What is owed to the state: `charged` by bills less what void bills and credit notes took back."""

    time_zone = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(MonthSchema), required=True)


def month(row: Any) -> dict[str, Any]:
    return {
        "month": row.month,
        "charged": money(row.charged, row.currency),
        "taken_back": money(row.taken_back, row.currency),
        "owed": money(row.charged - row.taken_back, row.currency),
    }
