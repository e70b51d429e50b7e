"""Fields with rules of their own: exact money, moments with a zone, text that a person may read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma

from payments import money

# Control characters in a name or a reference end up in logs, files and receipts.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# In a note a line may end.
_CONTROL_IN_LINES = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
EARLIEST, LATEST = 1990, 2200


class MoneyIn(ma.fields.Field[money.Money]):
    """`{"amount": "500.00", "currency": "BDT"}`, exact: a string, more than zero, whole minor units."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **options: Any) -> None:
        form = {
            "type": "object",
            "required": ["amount", "currency"],
            "additionalProperties": False,
            "properties": {
                "amount": {"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,4})?$"},
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            },
            "example": {"amount": "500.00", "currency": "BDT"},
        }
        super().__init__(metadata={**form, **(metadata or {})}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> money.Money:
        if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
            raise ma.ValidationError('send {"amount": "500.00", "currency": "BDT"}')
        try:
            return money.parse(value["amount"], value["currency"])
        except money.BadAmount as error:
            raise ma.ValidationError(str(error)) from error


class Percent(ma.fields.Field[Decimal]):
    """A rate such as `"7.5"`: a string, from 0 to below 100, with four decimals at most."""

    pattern = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?", re.ASCII)

    def __init__(self, **options: Any) -> None:
        described = {"type": "string", "pattern": f"^{self.pattern.pattern}$", "example": "7.5"}
        super().__init__(**{**options, "metadata": {**described, **options.get("metadata", {})}})

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ma.ValidationError('send a rate as a string, such as "7.5"')
        return Decimal(value)


class Line(ma.fields.String):
    """One line of text, trimmed, without control characters."""

    pattern = _CONTROL

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> str:
        found = str(super()._deserialize(value, attr, data, **more)).strip()
        if self.pattern.search(found):
            raise ma.ValidationError("must not contain control characters")
        return found


class Lines(Line):
    """Text of several lines."""

    pattern = _CONTROL_IN_LINES


class Moment(ma.fields.AwareDateTime):
    """RFC 3339 with its zone, in a year that a calendar has (reliability B11)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> datetime:
        if not isinstance(value, str):
            raise ma.ValidationError("send a text such as 2026-11-21T09:30:00Z")
        found: datetime = super()._deserialize(value, attr, data, **more)
        if not EARLIEST <= found.year <= LATEST:
            raise ma.ValidationError(f"send a year from {EARLIEST} to {LATEST}")
        return found


class Boundary(ma.fields.Field[datetime]):
    """The beginning or end of a range: a moment with its zone, or a day of the ISP's calendar.

    A day as the end is included whole.
    """

    def __init__(self, *, end: bool = False, **options: Any) -> None:
        options.setdefault(
            "metadata", {"type": "string", "example": "2026-11-30", "description": self.__doc__}
        )
        super().__init__(**options)
        self.end = end

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        from payments.settings import current

        try:
            if len(str(value)) == 10:
                day = date.fromisoformat(value) + timedelta(days=1 if self.end else 0)
                found = datetime.combine(day, time(), ZoneInfo(current().time_zone))
            else:
                found = datetime.fromisoformat(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ma.ValidationError("send 2026-11-21 or 2026-11-21T09:30:00Z") from error
        if found.tzinfo is None:
            raise ma.ValidationError("send the time with its zone, such as 2026-11-21T09:30:00Z")
        if not EARLIEST <= found.year <= LATEST:
            raise ma.ValidationError(f"send a year from {EARLIEST} to {LATEST}")
        return found
