"""What every event is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import msgspec

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


def payload(event: Event) -> dict[str, Any]:
    """What goes under `data` on the wire: every field but the envelope's."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {k: v for k, v in fields.items() if k not in ("subject", "sequence", "operator_path")}
