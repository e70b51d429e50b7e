"""What customers says: who is a customer, of which package, below which operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.event import Event
from shared.facts import CustomerFacts


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
class CustomerSessionsErasing(Event):
    """The sessions of a deleted customer go before the person does (A41): whatever the network keeps of
    the time `before` that moment is removed, and a CustomerSessionsErased answers. However late it is
    heard, what came after is not meant."""

    type: ClassVar[str] = "customer.sessions_erasing"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("radius-sync",)
    removal_id: UUID
    mode: Literal["pseudonymise", "everything"]
    before: datetime


@dataclass(frozen=True, kw_only=True)
class CustomerBillingErasing(Event):
    """The bills and payments of somebody erased as `pseudonymise` go as well (A40, A41), their sums are
    certified, and a CustomerBillingErased answers."""

    type: ClassVar[str] = "customer.billing_erasing"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments",)
    erasure_id: UUID


@dataclass(frozen=True, kw_only=True)
class ErasureReceipt(Event):
    """`sequence` is 1: a service gives one receipt per erasure. `rows` counts per table.

    `mode` is the erasure's, for a restored database that knows nothing of it.
    """

    type: ClassVar[str] = "erasure.receipt"
    said_by: ClassVar[tuple[str, ...]] = ("customers", "payments", "radius-sync")
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    erasure_id: UUID
    service: str
    rows: dict[str, int]
    digest: str
    mode: Literal["pseudonymise", "everything"] = "pseudonymise"


@dataclass(frozen=True, kw_only=True)
class ErasureSearching(Event):
    """Every receipt of the erasure `subject` is there: each service searches its database for what may be
    left of the erased, and answers with an ErasureSearched."""

    type: ClassVar[str] = "erasure.searching"
    said_by: ClassVar[tuple[str, ...]] = ("customers",)
    heard_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Where somebody erased is still named, in how many rows; never the name."""

    table: str
    column: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class ErasureSearched(Event):
    """What a service's search of its database found of the persons of the erasure `subject`: no hits
    expected. `names_searched`: not in erasures of many; `shared_with_others`: needles left out."""

    type: ClassVar[str] = "erasure.searched"
    said_by: ClassVar[tuple[str, ...]] = ("payments", "radius-sync")
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    service: str
    columns: int
    needles: int
    shared_with_others: int
    names_searched: bool
    hits: tuple[Leftover, ...]


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
