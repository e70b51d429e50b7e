"""What radius-sync says: what the network lets a customer do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.event import Event


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


@dataclass(frozen=True, kw_only=True)
class CustomerSessionsErased(Event):
    """The receipt of a CustomerSessionsErasing, once per `removal_id`; `rows` counts per table."""

    type: ClassVar[str] = "customer.sessions_erased"
    said_by: ClassVar[tuple[str, ...]] = ("radius-sync",)
    heard_by: ClassVar[tuple[str, ...]] = ("customers",)
    removal_id: UUID
    mode: Literal["pseudonymise", "everything"]
    before: datetime
    rows: dict[str, int]
    digest: str
