"""The facts about a customer that events carry from service to service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

Standing = Literal["customer", "lead", "closed", "exported", "deleted", "erasing"]
HoldKind = Literal[
    "admin", "fraud", "vacation", "overdue", "credit", "funds", "spending",
    "fair_use", "reseller", "payment_frozen", "export", "terminated",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CustomerFacts:
    """What others keep of a customer. `password` is sealed (shared.sealing), never clear.

    `operator_path` is the way from the root operator down, as in `1/4/9/`.
    `holds` are those set on the customer itself; an operator's holds travel in OperatorChanged.
    `suspended_access` and `overdue_effect` are the customer class's rules (reference statuses 6, 7).
    """

    customer_number: str
    name: str
    username: str
    password: str | None
    email: str | None
    phone: str | None
    standing: Standing
    service_type: Literal["pppoe", "hotspot", "static", "other"]
    operator_id: UUID
    operator_name: str
    operator_path: str
    package_id: UUID | None
    package_name: str | None
    activated: bool
    expires_at: datetime | None
    holds: tuple[str, ...]
    overdue_effect: Literal["suspend", "limit"]
    suspended_access: Literal["walled", "blocked"]
    limited_kbps: int
    lift_suspension_until: datetime | None
    balance_control: Literal["prepaid", "postpaid"]
    currency: str
    credit_limit: Decimal | None
    static_address: str | None = None
    class_id: UUID | None = None
    # Whether what is due may be taken by the method that the customer has stored.
    auto_payment: bool = False
    # The class's: so many failures of automatic payments freeze them (C29).
    retry_limit: int = 3
