"""Where a page ended, as text that callers hand back and cannot make themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from flask import current_app

from shared.http.problems import invalid_parameter

Decode = Callable[[Any], Any]


def _secret() -> bytes:
    key: bytes = current_app.extensions["tenure.settings"].secret_key
    return hmac.digest(key, b"cursor", "sha256")


def write_cursor(values: list[Any], signature: str) -> str:
    """Of the row whose sorted columns these are; `signature` is the order of the list."""
    body = orjson.dumps([signature, [_tag(value) for value in values]])
    return base64.urlsafe_b64encode(
        hmac.digest(_secret(), body, hashlib.sha256)[:12] + body
    ).decode()


def read_cursor(cursor: str, signature: str) -> list[Any]:
    """The values it was made of. Raises Problem 422 for one that is not ours, or of another order."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode())
        mac, body = raw[:12], raw[12:]
        if not hmac.compare_digest(mac, hmac.digest(_secret(), body, hashlib.sha256)[:12]):
            raise ValueError
        made_for, values = orjson.loads(body)
        if made_for != signature:
            raise ValueError
        return [_untag(value) for value in values]
    except (ValueError, KeyError, TypeError) as error:
        raise invalid_parameter("cursor", "not a cursor of this list and sort") from error


_TAGS: dict[str, tuple[type, Decode]] = {
    "t": (datetime, datetime.fromisoformat),
    "d": (Decimal, Decimal),
    "u": (UUID, UUID),
}


def _tag(value: Any) -> Any:
    for tag, (kind, _) in _TAGS.items():
        if isinstance(value, kind):
            return {tag: value.isoformat() if isinstance(value, datetime) else str(value)}
    return value


def _untag(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        return _TAGS[tag][1](inner)
    return value
