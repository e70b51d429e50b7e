"""Cash drawers, shifts and hand-overs as they come in and go out."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import marshmallow as ma

from payments import money
from payments.schemas.fields import Line, Lines, MoneyIn
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

HAND_OVER_STATES = ("pending", "accepted", "refused", "cancelled")
Length, OneOf = ma.validate.Length, ma.validate.OneOf
_NOTHING = re.compile(r"0{1,13}(?:\.0{1,4})?", re.ASCII)


class CountedIn(MoneyIn):
    """Money that may be nothing: what lies in a drawer."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> money.Money:
        found = value if isinstance(value, dict) else {}
        amount, currency = found.get("amount"), found.get("currency")
        if isinstance(amount, str) and _NOTHING.fullmatch(amount) and currency in money.CURRENCIES:
            return money.Money(money.exact(Decimal(0), currency), currency)
        return super()._deserialize(value, *rest, **more)


class ShiftRequestSchema(ma.Schema):
    counted = CountedIn(required=True)


class ShiftCloseSchema(ShiftRequestSchema):
    note = Lines(allow_none=True, validate=Length(max=1000))


class HandOverRequestSchema(ma.Schema):
    amount = MoneyIn(required=True)
    taker_id = ma.fields.UUID(
        metadata={"description": "An operator above: the next one when left out"}
    )
    note = Lines(allow_none=True, validate=Length(max=1000))


class RefusalSchema(ma.Schema):
    reason = Line(required=True, validate=Length(min=3, max=500))


class LimitRequestSchema(ma.Schema):
    """`limit` null: none."""

    currency = ma.fields.String(required=True, validate=OneOf(sorted(money.CURRENCIES)))
    limit = CountedIn(required=True, allow_none=True)

    @ma.validates_schema
    def in_the_currency(self, data: dict[str, Any], **_: Any) -> None:
        if data["limit"] is not None and data["limit"].currency != data["currency"]:
            raise ma.ValidationError(f"in {data['currency']}", "limit")


class DrawerSchema(ma.Schema):
    operator_id = ma.fields.UUID(required=True)
    operator_name = ma.fields.String(required=True)
    balance = ma.fields.Nested(MoneySchema, required=True)
    limit = ma.fields.Nested(MoneySchema, required=True, allow_none=True)


class ShiftSchema(ma.Schema):
    """`expected` is what the ledger said, `counted` what lay there; both null while it is open."""

    id = ma.fields.UUID(required=True)
    operator_id = ma.fields.UUID(required=True)
    operator_name = ma.fields.String(required=True)
    opened_at = ma.fields.AwareDateTime(required=True)
    opening_expected = ma.fields.Nested(MoneySchema, required=True)
    opening_counted = ma.fields.Nested(MoneySchema, required=True)
    closed_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    closing_expected = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    closing_counted = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    note = ma.fields.String(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class HandOverSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    giver_id = ma.fields.UUID(required=True)
    giver_name = ma.fields.String(required=True)
    taker_id = ma.fields.UUID(required=True)
    taker_name = ma.fields.String(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    state = ma.fields.String(required=True, validate=OneOf(HAND_OVER_STATES))
    note = ma.fields.String(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class _NoSearch(PageArguments):
    class Meta:
        exclude = ("q",)


class DrawerArguments(_NoSearch):
    """Drawers, the fullest first."""


class ShiftArguments(_NoSearch):
    """Shifts, newest first."""

    operator_id = ma.fields.UUID()


class HandOverArguments(_NoSearch):
    """Hand-overs, newest first."""

    state = ma.fields.String(validate=OneOf(HAND_OVER_STATES))


DrawerPageSchema = page_of(DrawerSchema)
ShiftPageSchema = page_of(ShiftSchema)
HandOverPageSchema = page_of(HandOverSchema)


def _money(amount: Any, currency: str) -> dict[str, str] | None:
    if amount is None:
        return None
    return {"amount": str(money.exact(Decimal(amount), currency)), "currency": currency}


def drawer(row: Any, name: str | None = None) -> dict[str, Any]:
    return {
        "operator_id": row.operator_id,
        "operator_name": name or row.operator_name,
        "balance": _money(row.balance, row.currency),
        "limit": _money(row.cash_limit, row.currency),
    }


def shift(row: Any) -> dict[str, Any]:
    plain = ("id", "operator_id", "operator_name", "opened_at", "closed_at", "note")
    sums = ("opening_expected", "opening_counted", "closing_expected", "closing_counted")
    return {
        **{name: getattr(row, name) for name in plain},
        **{name: _money(getattr(row, name), row.currency) for name in sums},
        "version": int(row.version),
    }


def hand_over(row: Any) -> dict[str, Any]:
    plain = ("id", "giver_id", "giver_name", "taker_id", "taker_name", "state", "note",
             "created_at", "decided_at")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in plain},
        "amount": _money(row.amount, row.currency),
        "version": int(row.version),
    }
