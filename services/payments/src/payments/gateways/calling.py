"""HTTP calls to gateways: bounded in time and size, no redirects, exact numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from payments.gateways.interface import Unreachable

# A payer waits for some of these calls; a gateway that has not begun to answer by then is asked later.
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
WHOLE_SECONDS = 20.0
# The largest honest answer is a list of attempts: some kilobytes.
MOST_BYTES = 512 * 1024
# What the books can hold.
MOST_AMOUNT = Decimal(10) ** 13


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Numbers with a point as Decimal. Raises Unreachable for what is no JSON object."""
        try:
            found = json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"{self.status} without JSON") from error
        if not isinstance(found, dict):
            raise Unreachable(f"{self.status} without a JSON object")
        return found


class Caller:
    """Connections to one gateway, shared by the threads of a process."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_maxsize=20)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> Answer:
        """Raises Unreachable: no connection, no answer in time, 5xx, 429, or too long an answer."""
        try:
            with self.session.request(
                method, url, headers=dict(headers or {}), params=params, data=form, json=json,
                auth=auth, timeout=(CONNECT_SECONDS, read_seconds), allow_redirects=False,
                stream=True,
            ) as answer:  # fmt: skip
                body = _read(answer, time.monotonic() + max(WHOLE_SECONDS, read_seconds))
        except requests.RequestException as error:
            # Only the class: the text holds the address, which may hold a password.
            raise Unreachable(type(error).__name__) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unreachable(f"HTTP {answer.status_code}")
        return Answer(answer.status_code, body)


def _read(answer: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    for part in answer.iter_content(16 * 1024):
        body += part
        if len(body) > MOST_BYTES or time.monotonic() > deadline:
            raise Unreachable("an answer without end")
    return bytes(body)


def decimal(value: object) -> Decimal:
    """An amount as a gateway writes it. Raises Unreachable: an amount not understood is none."""
    try:
        found = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation as error:
        raise Unreachable("an amount that is no number") from error
    if not found.is_finite() or abs(found) >= MOST_AMOUNT:
        raise Unreachable("an amount that is no number")
    return found


def text(value: object) -> str | None:
    """A text of a gateway, or None for what is empty; no NUL, which PostgreSQL refuses."""
    found = str(value).replace("\x00", "").strip() if value is not None else ""
    return found[:200] or None
