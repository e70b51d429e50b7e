"""What radius-sync tells the caller: asked in the caller's own name, so that it shows what they may see
and its access log names the person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from customers import asking
from customers.api.answers import settings
from shared import addresses
from shared.http.authentication import client_address


def why_offline(username: str, customer_id: UUID) -> dict[str, Any]:
    """As asking.why_offline. Call it when the transaction is over."""
    site = settings()
    headers = {
        "Authorization": request.headers["Authorization"],
        addresses.HEADER: addresses.vouch(client_address(), site.service_secret),
    }
    return asking.why_offline(site.urls["radius-sync"], username, customer_id, headers)
