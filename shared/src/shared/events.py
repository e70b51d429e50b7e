"""Every event that crosses a boundary, and who hears it, on one screen.

An event carries the whole of what its subscribers keep about the subject, not a difference: so a
newer event makes every older one superfluous, and lost order, doubles and replays are all one case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from shared.facts import CustomerFacts as CustomerFacts
from shared.facts import HoldKind as HoldKind
from shared.facts import Standing as Standing

Wire = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact about `subject`. `sequence` grows by one per subject and source: newer wins.

    A new event is a class that says its `type`, who says it and who hears it; relay, feeds and
    workers find it by themselves.
    """

    type: ClassVar[str]
    said_by: ClassVar[tuple[str, ...]]
    heard_by: ClassVar[tuple[str, ...]] = ()
    subject: UUID
    sequence: int
    operator_path: str


@dataclass(frozen=True, kw_only=True)
class CustomerEvent(Event):
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")
    customer: CustomerFacts


class CustomerCreated(CustomerEvent):
    type: ClassVar[str] = "customer.created"


class CustomerUpdated(CustomerEvent):
    type: ClassVar[str] = "customer.updated"


class CustomerStatusChanged(CustomerEvent):
    type: ClassVar[str] = "customer.status_changed"


class CustomerActivated(CustomerEvent):
    """A package was assigned and renewed until `customer.expires_at`; payments bills the period."""

    type: ClassVar[str] = "customer.activated"


class CustomerDeleted(CustomerEvent):
    type: ClassVar[str] = "customer.deleted"


class CustomerRestored(CustomerEvent):
    type: ClassVar[str] = "customer.restored"


@dataclass(frozen=True, kw_only=True)
class CustomerErasing(Event):
    """Every service removes what it holds of the subject and answers with an ErasureReceipt."""

    type: ClassVar[str] = "customer.erasing"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers", "payments", "radius-sync")
    erasure_id: UUID
    mode: Literal["pseudonymise", "everything"]


@dataclass(frozen=True, kw_only=True)
class CustomerErased(Event):
    type: ClassVar[str] = "customer.erased"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    erasure_id: UUID


@dataclass(frozen=True, kw_only=True)
class ErasureReceipt(Event):
    """`sequence` is 1: a service gives one receipt per erasure. `rows` counts per table."""

    type: ClassVar[str] = "erasure.receipt"
    said_by: ClassVar[tuple[str, ...]] = ("customers", "payments", "radius-sync")
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    erasure_id: UUID
    service: str
    rows: dict[str, int]
    digest: str


@dataclass(frozen=True, kw_only=True)
class PackageChanged(Event):
    type: ClassVar[str] = "package.changed"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")
    name: str
    price: Decimal
    currency: str
    billing_cycle: Literal["monthly", "daily"]
    download_kbps: int
    upload_kbps: int
    validity_days: int
    retired: bool
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OperatorChanged(Event):
    """`holds` apply to every customer below this operator, without a row per customer."""

    type: ClassVar[str] = "operator.changed"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")
    username: str
    name: str
    role: Literal["admin", "manager", "reseller"]
    parent_id: UUID | None
    active: bool
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApiKeyChanged(Event):
    """`digest` is the SHA-256 of the whole key, in hex; a revoked key is kept as revoked."""

    type: ClassVar[str] = "api_key.changed"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")
    operator_id: UUID
    operator_username: str
    role: Literal["admin", "manager", "reseller"]
    digest: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked: bool


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
    """The money of a customer, whole. `overdue` is true past grace; amounts are in `currency`."""

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


@dataclass(frozen=True, kw_only=True)
class AccountSettled(AccountChanged):
    """A payment covered everything that was overdue (C10, C18): the suspension lifts by itself."""

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
class AccessChanged(Event):
    type: ClassVar[str] = "access.changed"
    said_by: ClassVar[tuple[str, ...]] = ("radius-sync",)
    access: Literal["open", "limited", "walled", "blocked", "removed"]


@dataclass(frozen=True, kw_only=True)
class SessionDisconnected(Event):
    type: ClassVar[str] = "session.disconnected"
    said_by: ClassVar[tuple[str, ...]] = ("radius-sync",)
    nas: str
    outcome: str


def _all(base: type[Event]) -> dict[str, type[Event]]:
    found = {base.type: base} if hasattr(base, "type") else {}
    for kind in base.__subclasses__():
        found |= _all(kind)
    return found


TYPES: dict[str, type[Event]] = _all(Event)


def sources(service: str) -> list[str]:
    """Whose feeds a service walks."""
    return sorted({s for kind in TYPES.values() if service in kind.heard_by for s in kind.said_by})


def payload(event: Event) -> dict[str, Any]:
    """What goes under `data` on the wire: every field but the envelope's."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {k: v for k, v in fields.items() if k not in ("subject", "sequence", "operator_path")}
