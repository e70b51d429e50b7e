"""A form as the person filled it in, with what the service said to each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from flask import request

from console.api_client import Fault, Refused


def new_key() -> str:
    """An Idempotency-Key: made with the form, so that sending it twice does it once."""
    return str(uuid4())


@dataclass
class Form:
    """`values` fill the fields; `refused` is why the last sending was turned down."""

    values: Mapping[str, str] = field(default_factory=dict)
    refused: Refused | None = None
    key: str = field(default_factory=new_key)

    @classmethod
    def sent(cls, refused: Refused | None = None) -> Form:
        return cls(request.form.to_dict(), refused, request.form.get("key") or new_key())

    def value(self, name: str) -> str:
        return self.values.get(name) or ""

    def fault(self, name: str) -> Fault | None:
        """What is wrong with one field; `amount.amount` belongs to `amount`."""
        found = self.refused.by_field if self.refused else {}
        inner = (fault for at, fault in found.items() if at.startswith(f"{name}."))
        return found.get(name) or next(inner, None)


def filled(*names: str) -> dict[str, str]:
    """The fields that were filled in, trimmed; empty ones are left out."""
    values = {name: request.form.get(name, "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


def ticked(name: str) -> bool:
    return name in request.form
