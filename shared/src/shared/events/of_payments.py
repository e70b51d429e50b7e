"""What payments says: accounts, payments, bills, and the days without a cut-off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.event import Event


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
    """The money of a customer, whole. `overdue` is true past grace; amounts are in `currency`.

    `paid_periods`: when the periods begin that are billed and paid wholly; past ones are left out.
    What was billed early for a package that is changed before its period is not paid any more.
    `expenses`: what was charged on the ISP's day that ends at `expenses_until` and still stands, beside
    the periods of a package (C30). When that day is over, nothing is told: it is 0 again.
    """

    type: ClassVar[str] = "account.changed"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers", "radius-sync")
    currency: str
    billed: Decimal
    paid: Decimal
    outstanding: Decimal
    overdue: bool
    overdue_amount: Decimal
    available_funds: Decimal
    payment_frozen: bool = False
    paid_periods: tuple[datetime, ...] = ()
    expenses: Decimal = Decimal(0)
    expenses_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AccountSettled(AccountChanged):
    """A payment covered everything that was overdue (C10, C18), or was promised (C15): the suspension lifts
    by itself."""

    type: ClassVar[str] = "account.settled"


@dataclass(frozen=True, kw_only=True)
class AccountProved(Event):
    """What payments' checks find in the books of who was deleted or restored (B17-B20); `sequence` is the
    customer's version. Sums differ from an earlier proof's only where `account_version` does too."""

    type: ClassVar[str] = "account.proved"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    occasion: Literal["deleted", "restored"]
    account_version: int
    currency: str
    billed: Decimal
    paid: Decimal
    receivable: Decimal
    credit: Decimal
    checks: dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class PaymentRecorded(Event):
    type: ClassVar[str] = "payment.recorded"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    payment_id: UUID
    amount: Decimal
    currency: str
    method: str


class PaymentVoided(PaymentRecorded):
    type: ClassVar[str] = "payment.voided"


class PaymentRefunded(PaymentRecorded):
    type: ClassVar[str] = "payment.refunded"


class PaymentRefundFailed(PaymentRecorded):
    """The gateway refused to give the money back: the customer has it here again."""

    type: ClassVar[str] = "payment.refund_failed"


@dataclass(frozen=True, kw_only=True)
class BillIssued(Event):
    type: ClassVar[str] = "bill.issued"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    bill_id: UUID
    total: Decimal
    currency: str
    due_at: datetime


class BillPaid(BillIssued):
    type: ClassVar[str] = "bill.paid"


class BillOverdue(BillIssued):
    type: ClassVar[str] = "bill.overdue"


@dataclass(frozen=True, kw_only=True)
class BillReminder(BillIssued):
    """A day of the dunning policy has come: `day` after the due date, negative before it."""

    type: ClassVar[str] = "bill.reminder"
    day: int
    unpaid: Decimal


@dataclass(frozen=True, kw_only=True)
class BillAnnounced(BillIssued):
    """A proforma, which `bill_id` names: due when its period begins, and owed when it is billed."""

    type: ClassVar[str] = "bill.announced"
    number: str
    period_end: datetime


@dataclass(frozen=True, kw_only=True)
class CalendarChanged(Event):
    """Days without a cut-off: ISO 8601 weekdays (Monday is 1), and dates with their names."""

    type: ClassVar[str] = "calendar.changed"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    weekend: tuple[int, ...]
    holidays: dict[str, str]
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class PackageCharged(Event):
    """What a period of the package is billed at: `total` is its `price` with the tax that comes on top."""

    type: ClassVar[str] = "package.charged"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    price: Decimal
    total: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class CustomerBillingErased(Event):
    """The receipt of a CustomerBillingErasing, once per erasure; `rows` counts per table."""

    type: ClassVar[str] = "customer.billing_erased"
    said_by: ClassVar[tuple[str, ...]] = ("payments",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    erasure_id: UUID
    rows: dict[str, int]
    digest: str
