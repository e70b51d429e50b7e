"""One reason why a login is offline, and what an operator does about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reason:
    """`code` is stable; `at` is when it happened, None when it is so now and nobody knows since when."""

    code: str
    detail: str
    what_to_do: str
    at: datetime | None = None


def told(at: datetime | None) -> str:
    """A moment within a sentence."""
    return "an unknown time" if at is None else at.isoformat(timespec="seconds")
