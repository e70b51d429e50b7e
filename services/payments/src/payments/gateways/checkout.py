"""What a payer is asked to pay, and where: the words that the interface and the vault share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a payer is to pay. `reference` is all that a gateway is told of the customer."""

    intent_id: UUID
    reference: str
    amount: Decimal
    currency: str
    return_url: str
    notify_url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The gateway's id of the checkout, and where to send the payer, if anywhere. `payer`: what the
    gateway calls who stores a method there."""

    session: str
    redirect_url: str | None
    payer: str | None = None
