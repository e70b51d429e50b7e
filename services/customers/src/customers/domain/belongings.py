"""What belongs to a customer: service lines and holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from customers.domain.operators import now
from shared.events import HoldKind


@dataclass(eq=False, kw_only=True)
class Account:
    """A service line of a customer (C46). `closed_by_deletion`: a cascade closed it (C48)."""

    id: UUID
    customer_id: UUID
    name: str
    service_type: str
    state: Literal["open", "stopped", "closed"] = "open"
    closed_by_deletion: bool = False
    created_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None


@dataclass(eq=False, kw_only=True)
class Hold:
    """In force until `lifted_at`. `owner_path`: the branch of who set it; None for the system's.

    `grace_from`: the class's days of grace or termination count from then, None: from `since`.
    """

    id: UUID
    customer_id: UUID
    kind: HoldKind
    actor: str
    reason: str | None = None
    owner_path: str | None = None
    since: datetime = field(default_factory=now)
    until: datetime | None = None
    grace_from: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
