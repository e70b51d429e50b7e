"""A request on the wire, and where its port comes from."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from radius_sync.disconnector.orders import Nas, Order
from radius_sync.disconnector.ports import Port
from radius_sync.radius import Request


class Opener(Protocol):
    """Where a lane gets its ports."""

    def open(self, nas: Nas) -> Port:
        """A fresh one."""

    def close(self, port: Port) -> None:
        """A spent one."""


@dataclass(slots=True, eq=False)
class Flight:
    """A request on the wire; `due` is when (monotonic) something must happen to it."""

    order: Order
    request: Request
    port: Port
    started: float
    wait: float
    due: float
    transmissions: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    landed: bool = False
