"""The rules of money: when a bill is due, what may be voided or refunded, what a duplicate is."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

METHODS = (
    "cash", "bkash", "nagad", "sslcommerz", "stripe", "recharge_card", "bank_transfer", "other",
)  # fmt: skip
# Their references are numbers that the gateway gave: one of them is money once.
ONLINE = frozenset({"bkash", "nagad", "sslcommerz", "stripe"})
BILL_STATUSES = ("open", "partly_paid", "paid", "overdue", "void")
PAYMENT_STATUSES = ("recorded", "partly_refunded", "refunded", "voided")
# A card that is refused three times is cancelled or empty: trying on only costs fees (C29). For who
# tells of no limit; that of a customer is the class's.
MOST_AUTO_FAILURES = 3
# A clock that goes wrong by more is told so; a payment from the future is a slip (reliability B11).
CLOCK_SKEW = timedelta(minutes=5)


class Refused(Exception):
    """A rule stands against it. `code` is for programs, the text for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class PossibleDuplicate(Refused):
    """The same money may have been recorded already; the caller may override with a reason."""

    def __init__(self, detail: str, payment_ids: Sequence[UUID]) -> None:
        super().__init__("possible_duplicate", detail)
        self.payment_ids = tuple(payment_ids)


class UnknownCustomer(LookupError):
    """No such customer in the caller's branch."""


class Erased(Exception):
    """The customer was erased: nothing is written about the person again."""


@dataclass(frozen=True, kw_only=True)
class Item:
    description: str
    amount: Decimal
    quantity: int = 1
    package_id: UUID | None = None
    # A part of `amount`.
    tax: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class BillDraft:
    """A bill to issue. With a period there is one bill for each customer and period start."""

    customer_id: UUID
    currency: str
    items: tuple[Item, ...]
    due_at: datetime
    issued_at: datetime
    period_start: datetime | None = None
    period_end: datetime | None = None

    @property
    def total(self) -> Decimal:
        return sum((item.amount for item in self.items), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((item.tax for item in self.items), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class PaymentDraft:
    """Money received. `gateway` is set by a gateway's own pipeline, never by an operator.

    `override` is the reason why what looks like a duplicate is none.
    """

    customer_id: UUID
    amount: Decimal
    currency: str
    method: str
    paid_at: datetime
    recorded_at: datetime
    operator_id: UUID | None
    operator_name: str
    receipt_owner: str
    gateway: str | None = None
    transaction_reference: str | None = None
    note: str | None = None
    settled_at: datetime | None = None
    override: str | None = None
    id: UUID | None = field(default=None)


def due_at(balance_control: str, issued_at: datetime, due_days: int) -> datetime:
    """Prepaid is due at once; postpaid after the terms of payment."""
    return issued_at if balance_control == "prepaid" else issued_at + timedelta(days=due_days)


def period_of(
    period_end: datetime, validity_days: int, activated_at: datetime
) -> tuple[datetime, datetime]:
    """The period that an activation pays for: it ends when access does.

    Counted back from the end, so that the same period has the same start however often it is told.
    """
    start = period_end - timedelta(days=validity_days)
    return (start, period_end) if validity_days > 0 else (activated_at, period_end)


def check_paid_at(paid_at: datetime, now: datetime) -> None:
    """Raises Refused for a payment of the future or of another age."""
    if paid_at > now + CLOCK_SKEW:
        raise Refused("in_the_future", "paid_at lies in the future; send when the money was paid")
    if paid_at.year < 2000:
        raise Refused("too_old", "paid_at lies before 2000; send when the money was paid")


def check_void_payment(status: str) -> None:
    """Void says: this payment never was. Raises Refused."""
    if status == "voided":
        raise Refused("already_voided", "this payment is void already")
    if status != "recorded":
        raise Refused("refunded", "money of this payment was given back: it can't be void any more")


def check_refund(status: str, amount: Decimal, refunded: Decimal, wanted: Decimal) -> None:
    """Refund says: the money was given back, in part or whole. Raises Refused."""
    if status == "voided":
        raise Refused("voided", "a void payment holds no money to give back")
    if amount == refunded:
        raise Refused("refunded", "all the money of this payment was given back already")
    if wanted > amount - refunded:
        raise Refused(
            "more_than_paid", f"at most {amount - refunded} of this payment can be given back"
        )


def check_not_exported(standing: str, holds: Sequence[str]) -> None:
    """Bills stay as they are, and none comes out, while a customer is exported (C33, C35) and once another
    installation serves it (C32). Raises Refused."""
    if "export" in holds:
        raise Refused("export_in_progress", "billing is paused while the customer is exported")
    if standing == "exported":
        raise Refused("exported", "another installation serves and bills this customer now")


def check_bill_by_hand(standing: str, holds: Sequence[str]) -> None:
    """Raises Refused; what was served before is billed by its activation, whenever that is heard."""
    check_not_exported(standing, holds)
    if standing == "closed":
        raise Refused("closed", "this customer is closed: nothing more can be billed (C4)")
    if standing == "deleted":
        raise Refused("deleted", "this customer is deleted: restore it to bill something")


def check_issue_proforma(state: str, standing: str, holds: Sequence[str]) -> None:
    """Raises Refused; no bill comes out while a customer is exported (C33)."""
    if state == "issued":
        raise Refused("already_issued", "this proforma's period was billed already")
    if state != "open":
        raise Refused("not_open", f"this proforma is {state}: nothing is billed by it any more")
    check_not_exported(standing, holds)


def check_void_bill(status: str, standing: str, holds: Sequence[str]) -> None:
    """Raises Refused; while a customer is exported bills stay as they are (C35)."""
    if status == "void":
        raise Refused("already_voided", "this bill is void already")
    check_not_exported(standing, holds)


def check_credit_note(status: str, left: Decimal, wanted: Decimal) -> None:
    """`left` is what credit notes have not taken off the bill yet. Raises Refused."""
    if status == "void":
        raise Refused("already_voided", "this bill is void already")
    if left == 0:
        raise Refused("credited", "credit notes have taken all of this bill back already")
    if wanted > left:
        raise Refused("more_than_billed", f"at most {left} of this bill is left to take back")


def check_write_off(owed: Decimal, wanted: Decimal) -> None:
    """Raises Refused: nothing is given up that nobody owes."""
    if owed == 0:
        raise Refused("nothing_owed", "this customer owes nothing")
    if wanted > owed:
        raise Refused("more_than_owed", f"this customer owes {owed}")


def check_reverse_credit(amount: Decimal, taken_back: Decimal) -> None:
    """Raises Refused."""
    if amount == taken_back:
        raise Refused("already_reversed", "this credit was taken back already")


def check_promise(
    owed: Decimal, amount: Decimal, until: date, today: date, most_days: int, made: int,
    most: int, *, standing: bool,
) -> None:  # fmt: skip
    """A promise to pay, within what the customer's class allows. Raises Refused."""
    if owed == 0:
        raise Refused("nothing_owed", "this customer owes nothing")
    if standing:
        raise Refused("promise_stands", "a promise of this customer stands already")
    if amount > owed:
        raise Refused("more_than_owed", f"this customer owes {owed}")
    if not today <= until <= today + timedelta(days=most_days):
        last = (today + timedelta(days=most_days)).isoformat()
        raise Refused("promise_too_long", f"send a day from today to {last}")
    if made >= most:
        raise Refused("too_many_promises", f"{most} promises in 90 days that were not kept are all")


RefundState = Literal["recorded", "partly_refunded", "refunded"]


def refund_state(amount: Decimal, refunded: Decimal) -> RefundState:
    if refunded == 0:
        return "recorded"
    return "refunded" if refunded == amount else "partly_refunded"


def erased_reference(reference: str, key: bytes) -> str:
    """What stands for a reference after erasure: equal references stay equal, none can be read."""
    digest = hmac.digest(hmac.digest(key, b"reference", "sha256"), reference.encode(), "sha256")
    return "erased:" + digest.hex()[:32]
