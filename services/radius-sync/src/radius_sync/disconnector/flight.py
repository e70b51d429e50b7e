"""A request on the wire, the port that it left from, and who opens such ports."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from radius_sync.disconnector.orders import Nas, Order
from radius_sync.radius import Request

# A datagram is longer than any RADIUS packet may be before it is cut off here.
RECEIVE_BYTES = 8192


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


class Port:
    """A connected UDP socket and the identifiers it still has; the kernel filters the source."""

    def __init__(self, link: socket.socket, nas: Nas, identifiers: list[int]) -> None:
        self.link = link
        self.nas = nas
        self.number: int = link.getsockname()[1]
        self.peer = link.getpeername()[:2]
        self.identifiers = identifiers
        self.pending: dict[int, Flight] = {}

    @property
    def spent(self) -> bool:
        """Whether it is of no more use: all identifiers taken, all answers in."""
        return not self.identifiers and not self.pending

    @property
    def closed(self) -> bool:
        """Whether it was given back."""
        return self.link.fileno() < 0

    def send(self, raw: bytes) -> None:
        """One datagram. OSError: what the network said, perhaps about an earlier one."""
        self.link.send(raw)

    def receive(self) -> tuple[bytes, bool]:
        """A datagram, and whether it came from the NAS. BlockingIOError when there is none."""
        datagram, source = self.link.recvfrom(RECEIVE_BYTES)
        return datagram, source[:2] == self.peer
