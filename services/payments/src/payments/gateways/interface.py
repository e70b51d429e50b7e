"""What every gateway can do, in the same words: one file per gateway stands behind this interface.

Nothing here touches the database: callers are outside any transaction when they ask a gateway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID

from payments.gateways.checkout import Opened, Order
from payments.gateways.vault import Vault


class Unreachable(Exception):
    """No answer, or none that can be understood: what was asked may have happened. Ask again."""


class Declined(Exception):
    """The gateway says no, and will say so again. `code` is the gateway's own."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}"[:200])
        self.code = code


class Forged(Exception):
    """This delivery was not signed by the gateway, or too long ago."""


class Unreadable(Exception):
    """A delivery in no form that this gateway sends."""


@dataclass(frozen=True, kw_only=True)
class Clue:
    """By what a payment may be found: our reference, the gateway's checkout, its transaction."""

    reference: str | None = None
    session: str | None = None
    transaction: str | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the gateway itself says of a payment. With `paid` come transaction, amount and currency."""

    state: Literal["pending", "paid", "failed"]
    transaction: str | None = None
    amount: Decimal = Decimal(0)
    currency: str = ""
    reference: str | None = None
    paid_at: datetime | None = None
    risky: bool = False
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A request as it reached us; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a delivery is about. It is never believed: the gateway is asked by the `clue`.

    `about` is `payment`, `return` when money of one has left there, `method` when a payer has stored
    one, `subscription` when the gateway asks whether it may send, or `nothing` of ours. `event_id` is
    the same in every repeat.
    """

    about: Literal["payment", "return", "method", "subscription", "nothing"]
    event_id: str | None = None
    clue: Clue = Clue()


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """`id` is the idempotency key; `gateway_reference` what the gateway called it, if it was asked."""

    id: UUID
    transaction: str
    session: str | None
    amount: Decimal
    currency: str
    reason: str
    gateway_reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refunded:
    state: Literal["pending", "refunded", "failed"]
    gateway_reference: str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class GivenBack:
    """Money of a payment that has left at the gateway, by whomever. `refund_id` is ours, if we asked.

    `disputed`: the bank has not decided yet; `failed`: the money is with us again, or never left.
    `unclear`: the gateway does not confirm the payment any more, and says no more than that.
    """

    reference: str
    state: Literal["pending", "refunded", "failed", "disputed", "unclear"]
    amount: Decimal
    currency: str
    refund_id: UUID | None = None
    detail: str | None = None


class Gateway(Protocol):
    """Every method may raise Unreachable."""

    name: str
    title: str
    # Whether its deliveries are signed; those of the others only say: go and ask.
    signs: bool
    refunds: bool

    @property
    def vault(self) -> Vault | None:
        """For methods that payers store; None at a gateway that keeps none."""

    def check(self, amount: Decimal, currency: str) -> None:
        """Raises Declined for an amount that this gateway can't take."""

    def open(self, order: Order) -> Opened:
        """Raises Declined. Opening the same order again gives a checkout for the same reference."""

    def find(self, clue: Clue) -> Found:
        """Ask the gateway; finishes what the payer has agreed to, where that takes a call of ours."""

    def verify(self, delivery: Delivery) -> None:
        """Raises Forged."""

    def read(self, delivery: Delivery) -> Notice:
        """Raises Unreadable."""

    def given_back(self, clue: Clue) -> Sequence[GivenBack]:
        """Every refund and dispute of a transaction, as far as this gateway tells of them."""

    def confirm(self, delivery: Delivery) -> None:
        """Answer a `subscription` notice."""

    def refund(self, order: RefundOrder) -> Refunded:
        """Give money back, once however often it is asked."""
