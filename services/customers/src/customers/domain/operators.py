"""Operators, their keys, and packages: what changes and the event that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from shared.events import ApiKeyChanged, OperatorChanged, PackageChanged

Role = Literal["admin", "manager", "reseller"]
# A block of the operator blocks everybody below; `reseller` suspends them (statuses 3 and 6).
OPERATOR_HOLDS = ("admin", "fraud", "reseller")


def now() -> datetime:
    return datetime.now(UTC)


def ancestors(path: str) -> list[str]:
    """Every path from the root down to `path` itself: `1/4/` gives `1/`, `1/4/`."""
    labels = path.rstrip("/").split("/")
    return ["/".join(labels[: depth + 1]) + "/" for depth in range(len(labels))]


@dataclass(eq=False, kw_only=True)
class Operator:
    id: UUID
    number: int
    parent_id: UUID | None
    operator_path: str
    username: str
    name: str
    role: Role
    password_hash: str
    status: Literal["active", "disabled"] = "active"
    holds: list[str] = field(default_factory=list)
    # Older sign-ins than this are not renewed.
    generation: int = 1
    version: int = 1
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)

    def told(self) -> OperatorChanged:
        return OperatorChanged(
            subject=self.id,
            sequence=self.version,
            operator_path=self.operator_path,
            username=self.username,
            name=self.name,
            role=self.role,
            parent_id=self.parent_id,
            active=self.status == "active",
            holds=tuple(sorted(self.holds)),
        )

    def change(self, **changes: Any) -> OperatorChanged:
        for name, value in changes.items():
            setattr(self, name, value)
        if "password_hash" in changes or changes.get("status") == "disabled":
            self.generation += 1
        self.version, self.updated_at = self.version + 1, now()
        return self.told()


@dataclass(eq=False, kw_only=True)
class OperatorHold:
    """On an operator and everybody below, until `lifted_at`. `owner_path`: the branch of who set it."""

    id: UUID
    operator_id: UUID
    operator_path: str
    kind: str
    owner_path: str
    actor: str
    reason: str | None = None
    since: datetime = field(default_factory=now)
    until: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None


@dataclass(eq=False, kw_only=True)
class ApiKey:
    id: UUID
    operator_id: UUID
    operator_path: str
    name: str
    prefix: str
    digest: str
    scopes: list[str]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 1
    created_at: datetime = field(default_factory=now)

    def told(self, operator: Operator) -> ApiKeyChanged:
        """A key of a disabled operator is told of as revoked: the others ask nobody else."""
        return ApiKeyChanged(
            subject=self.id,
            sequence=self.version,
            operator_path=self.operator_path,
            operator_id=operator.id,
            operator_username=operator.username,
            role=operator.role,
            digest=self.digest,
            scopes=tuple(self.scopes),
            expires_at=self.expires_at,
            revoked=self.revoked_at is not None or operator.status != "active",
        )


@dataclass(eq=False, kw_only=True)
class Package:
    id: UUID
    name: str
    price: Decimal
    currency: str
    billing_cycle: Literal["monthly", "daily"]
    download_kbps: int
    upload_kbps: int
    validity_days: int
    operator_id: UUID | None = None
    operator_path: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    retired: bool = False
    # As payments tells of it, and the price that it is of.
    charge: Decimal | None = None
    charge_of: Decimal | None = None
    version: int = 1
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)

    @property
    def charged(self) -> Decimal:
        """What a period is billed at: the price, with a tax that comes on top."""
        return self.price if self.charge is None or self.charge_of != self.price else self.charge

    def told(self) -> PackageChanged:
        return PackageChanged(
            subject=self.id,
            sequence=self.version,
            operator_path=self.operator_path,
            name=self.name,
            price=self.price,
            currency=self.currency,
            billing_cycle=self.billing_cycle,
            download_kbps=self.download_kbps,
            upload_kbps=self.upload_kbps,
            validity_days=self.validity_days,
            retired=self.retired,
            attributes=dict(self.attributes),
        )

    def change(self, **changes: Any) -> PackageChanged:
        for name, value in changes.items():
            setattr(self, name, value)
        self.version, self.updated_at = self.version + 1, now()
        return self.told()


@dataclass(eq=False, kw_only=True)
class CustomerClass:
    """The rules that statuses follow, per sort of customer (reference statuses).

    `renews`: another period follows by itself, of a postpaid customer, and of a prepaid one whose
    funds cover what the package charges.
    `pay_as_you_go`: prepaid funds that reach zero stop the service (C26). Elsewhere a prepaid
    customer has paid the period in advance, and funds of zero between two periods are normal.
    """

    id: UUID
    name: str
    overdue_effect: Literal["suspend", "limit"] = "suspend"
    suspended_access: Literal["walled", "blocked"] = "walled"
    funds_suspend: bool = False
    pay_as_you_go: bool = False
    limited_kbps: int = 512
    grace_days: int = 30
    termination_days: int = 30
    charge_while_suspended: bool = True
    renews: bool = True
    retry_limit: int = 3
    version: int = 1
