"""What a gateway that keeps a payer's method can do besides: enrol, charge, forget.

The method itself, a card or a wallet, is shown to the gateway only; we get its names for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from payments.gateways.checkout import Opened, Order


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A payer who is asked to store a method. `reference` is all that a gateway is told of them."""

    id: UUID
    reference: str
    currency: str
    return_url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Method:
    """What a gateway calls a payer and the stored method; `label` is for people, as in `visa 4242`."""

    payer: str | None
    token: str | None
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """How the payer decided; with `active` comes the method."""

    state: Literal["pending", "active", "failed"]
    method: Method | None = None
    failure: str | None = None


class Vault(Protocol):
    """Every method may raise Unreachable."""

    def enrol(self, enrolment: Enrolment) -> Opened:
        """Open a page on which the payer stores a method. Raises Declined."""

    def enrolled(self, session: str) -> Enrolled:
        """How it ended; finishes what the payer has agreed to, where that takes a call of ours."""

    def charge(self, order: Order, method: Method) -> Opened:
        """Take the money by the method, once however often it is asked; `session` finds the payment.

        Raises Declined when the bank or the gateway says no.
        """

    def charged(self, order: Order, method: Method) -> str | None:
        """The session of an earlier `charge` of this order, whose answer may have been lost."""

    def forget(self, method: Method) -> None:
        """Have the gateway forget the method; one that it does not know is forgotten."""
