"""Fields that read a value into the one form that is kept, or say what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import marshmallow as ma

from customers import identities
from shared.http.blueprint import MoneySchema

# ISO 4217: currencies with other than two decimals, of those that ISPs bill in.
MINOR_DIGITS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JPY": 0, "KRW": 0,
                "VND": 0, "UGX": 0, "XAF": 0, "XOF": 0, "RWF": 0, "CLP": 0}  # fmt: skip
# numeric(14, 3) holds eleven digits before the point.
MOST = Decimal(10) ** 11


class Kept(ma.fields.String):
    """A string in the form that `keep` makes of it; ValueError from there becomes a 422."""

    def __init__(self, keep: Callable[[str], str], most: int, **options: Any) -> None:
        super().__init__(**options)
        self.keep, self.most = keep, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if len(text) > self.most:
            raise ma.ValidationError(f"must not be longer than {self.most} characters")
        try:
            return self.keep(text)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from error


def _filled(value: str) -> str:
    kept = identities.plain(value)
    if not kept:
        raise ValueError("must not be empty")
    return kept


def line(most: int = 200, **options: Any) -> Kept:
    """A name: not empty, no control characters."""
    return Kept(_filled, most, **options)


def note(most: int = 2000, **options: Any) -> Kept:
    """Free text, may be empty."""
    return Kept(identities.plain, most, **options)


def username(**options: Any) -> Kept:
    return Kept(identities.username, 200, **options)


def password(**options: Any) -> Kept:
    return Kept(identities.password, 128, **options)


def email(**options: Any) -> Kept:
    return Kept(identities.email, 254, **options)


def phone(**options: Any) -> Kept:
    """Checked further where the site's region is known (`api.reading.phones`)."""
    return Kept(identities.plain, 40, **options)


def moment(**options: Any) -> ma.fields.AwareDateTime:
    """RFC 3339 with its zone: a time without one is refused (B11)."""
    return ma.fields.AwareDateTime(**options)


def one_of(*values: str, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.OneOf(values), **options)


class ExactMoneySchema(MoneySchema):
    """`{"amount": "500.00", "currency": "BDT"}`: exact, not negative, in the currency's minor unit."""

    error_messages = {"type": 'send {"amount": "500.00", "currency": "BDT"}'}

    @ma.pre_load
    def text(self, data: Any, **_: Any) -> Any:
        # A number went through a float on its way: 90071992547409.93 would come as .94.
        if isinstance(data, dict) and not isinstance(data.get("amount", ""), str):
            raise ma.ValidationError('send a string such as "500.00", never a number', "amount")
        return data

    @ma.validates_schema
    def exact(self, data: dict[str, Any], **_: Any) -> None:
        amount, currency = data["amount"], data["currency"]
        digits = MINOR_DIGITS.get(currency, 2)
        if not 0 <= amount < MOST:
            raise ma.ValidationError("must not be negative, and below 10^11", "amount")
        if amount != round(amount, digits):
            raise ma.ValidationError(f"{currency} has {digits} decimals", "amount")


def money(**options: Any) -> ma.fields.Nested:
    return ma.fields.Nested(ExactMoneySchema, **options)


class Keyed(ma.fields.Dict):
    """A mapping whose errors are told by the key, where a JSON pointer finds it (RFC 6901)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]
        except ma.ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ma.ValidationError(
                {name: told.get("key", told.get("value")) for name, told in error.messages.items()}
            ) from error


class _Plain(ma.fields.Raw):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, str) and len(value) <= 1000:
            try:
                return identities.plain(value)
            except ValueError as error:
                raise ma.ValidationError(str(error)) from error
        if value is None or (isinstance(value, bool | int) and abs(value) < 2**53):
            return value
        raise ma.ValidationError(
            "values are text up to 1000 characters, whole numbers, true, false"
        )


def custom_fields() -> Keyed:
    """Up to 50 fields of the site's own: short names, plain values."""
    return Keyed(
        keys=ma.fields.String(validate=ma.validate.Regexp(r"^[a-z][a-z0-9_]{0,39}\Z")),
        values=_Plain(allow_none=True),
        validate=ma.validate.Length(max=50),
    )
