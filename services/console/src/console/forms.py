"""A form as the person filled it in, with what the service said to each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from flask import request
from werkzeug.datastructures import MultiDict

from console.api_client import Fault, Refused

# RFC 9110, section 15.5.13: the ETag was of an earlier state.
STALE = 412


def new_key() -> str:
    """An Idempotency-Key: made with the form, so that sending it twice does it once."""
    return str(uuid4())


@dataclass
class Form:
    """`values` fill the fields; `refused` is why the last sending was turned down.

    `etag` is of what the form was made of; `now` is what stands there since somebody else was faster.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    refused: Refused | None = None
    key: str = field(default_factory=new_key)
    etag: str = ""
    now: Mapping[str, Any] | None = None

    @classmethod
    def sent(cls, refused: Refused | None = None) -> Form:
        return cls(request.form, refused, request.form.get("key") or new_key())

    @classmethod
    def again(cls, refused: Refused, etag: str, now: Mapping[str, Any]) -> Form:
        """A change that was refused, with the ETag that it was made of; where somebody was faster, with
        `etag` and `now`, which are of what is there since."""
        made = replace(cls.sent(refused), etag=request.form.get("etag", ""))
        return replace(made, etag=etag, now=now) if refused.status == STALE else made

    def value(self, name: str) -> str:
        return self.values.get(name) or ""

    def ticked(self, name: str) -> Sequence[str]:
        """What is ticked of several."""
        return _several(self.values, name)

    def overtaken(self, name: str) -> Sequence[str] | None:
        """What somebody else has put there meanwhile; None where it is what stands in the form."""
        if self.now is None:
            return None
        there = _several(self.now, name)
        return None if sorted(there) == sorted(self.ticked(name)) else there

    def fault(self, name: str) -> Fault | None:
        """What is wrong with one field; `amount.amount` belongs to `amount`."""
        found = self.refused.by_field if self.refused else {}
        inner = (fault for at, fault in found.items() if at.startswith(f"{name}."))
        return found.get(name) or next(inner, None)


def _several(values: Mapping[str, Any], name: str) -> Sequence[str]:
    """Lines of a text end in a browser otherwise than here."""
    found = values.getlist(name) if isinstance(values, MultiDict) else values.get(name)
    given = [found] if isinstance(found, str) else found or ()
    return [text for each in given if (text := each.replace("\r\n", "\n").strip())]


def filled(*names: str) -> dict[str, str]:
    """The fields that were filled in, trimmed; empty ones are left out."""
    values = {name: request.form.get(name, "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


def ticked(name: str) -> bool:
    return name in request.form
