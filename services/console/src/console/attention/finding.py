"""One thing that needs somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WORST_FIRST = ("bad", "warn", "calm")


@dataclass(frozen=True)
class Finding:
    """`tone`: bad, something is broken; warn, it will be; calm, work that waits for a person.

    `advice` is what to do; `address` where, with `label` as the name of that page.
    """

    tone: Literal["bad", "warn", "calm"]
    text: str
    advice: str
    address: str = ""
    label: str = ""
