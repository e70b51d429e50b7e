"""What radius-sync says: what the network lets a customer do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

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
