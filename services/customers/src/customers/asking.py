"""Asks radius-sync what the network knows: never inside a transaction, and never for long."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests

# A person waits for the answer, and the books' own is there already.
TIMEOUT_SECONDS = 2
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
UNKNOWN = {
    "code": "login_unknown",
    "detail": "The network has no login of this name for this customer.",
    "what_to_do": "It hears of changes within seconds: ask again. If it stays so, look at"
    " GET /v1/dead-letters of radius-sync.",
    "at": None,
}


def why_offline(
    url: str, username: str, customer_id: UUID, headers: Mapping[str, str]
) -> dict[str, Any]:
    """`{asked, online, reasons, detail, what_to_do}`; `headers` say in whose name is asked.

    `online` is None and `detail` says why when radius-sync was not asked, or did not answer.
    """
    try:
        answer = requests.get(
            f"{url}/v1/subscribers/{quote(username, safe='')}/why-offline",
            headers=dict(headers), timeout=TIMEOUT_SECONDS, allow_redirects=False,
        )  # fmt: skip
        if answer.status_code in REFUSED:
            return _not_asked(
                "radius-sync does not tell you of this login.",
                "Ask somebody who has the permission subscribers.read.",
            )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return _asked(False, [UNKNOWN])
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        return _not_asked(
            f"radius-sync does not answer ({type(error).__name__}): these are the books' reasons alone.",
            "See that radius-sync runs: GET /readyz there. Who is online stays online meanwhile.",
        )
    # A name that was given to another customer meanwhile: nothing of theirs is told.
    mine = told["customer_id"] == str(customer_id)
    return _asked(told["online"], told["reasons"]) if mine else _asked(False, [UNKNOWN])


def _asked(online: bool, reasons: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "asked": True, "online": online, "reasons": reasons, "detail": None, "what_to_do": None,
    }  # fmt: skip


def _not_asked(detail: str, what_to_do: str) -> dict[str, Any]:
    return {
        "asked": False, "online": None, "reasons": [], "detail": detail, "what_to_do": what_to_do,
    }  # fmt: skip
