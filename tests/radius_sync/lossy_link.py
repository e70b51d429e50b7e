"""A network between a sender and a NAS that loses, delays, doubles and reorders, by a seeded chance."""

import heapq
import itertools
import random
import selectors
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """Chances of a datagram, either way; `delay` is the longest, in seconds, so that they overtake
    one another."""

    loss: float = 0.0
    twice: float = 0.0
    delay: float = 0.0


class LossyLink:
    """A UDP relay on a port of its own; each sender's port has a port of its own to the NAS, as a
    network without address translation would keep them apart. `fate` counts what became of them."""

    def __init__(self, nas_port: int, weather: Weather, seed: int) -> None:
        self._nas: Address = ("127.0.0.1", nas_port)
        self._weather, self._chance = weather, random.Random(seed)
        self._front = self._socket()
        self.port: int = self._front.getsockname()[1]
        self.fate: Counter[str] = Counter()
        self._upstream: dict[Address, socket.socket] = {}
        self._due: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self._number = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._closing.set()
        self._thread.join()
        for link in (self._front, *self._upstream.values()):
            link.close()
        self._selector.close()

    def _socket(self) -> socket.socket:
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.bind(("127.0.0.1", 0))
        link.setblocking(False)
        return link

    def _serve(self) -> None:
        while not self._closing.is_set():
            pause = min(0.05, max(0.0, self._due[0][0] - time.monotonic())) if self._due else 0.05
            for key, _ in self._selector.select(pause):
                self._take(key.fileobj, key.data)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, link, datagram, to = heapq.heappop(self._due)
                link.sendto(datagram, to)

    def _take(self, link: Any, sender: Address | None) -> None:
        while True:
            try:
                datagram, source = link.recvfrom(8192)
            except OSError:
                return
            if sender is None:
                self._deliver(self._to_nas(source), datagram, self._nas)
            else:
                self._deliver(self._front, datagram, sender)

    def _to_nas(self, source: Address) -> socket.socket:
        if source not in self._upstream:
            self._upstream[source] = self._socket()
            self._selector.register(self._upstream[source], selectors.EVENT_READ, source)
        return self._upstream[source]

    def _deliver(self, link: socket.socket, datagram: bytes, to: Address) -> None:
        if self._chance.random() < self._weather.loss:
            self.fate["lost"] += 1
            return
        copies = 2 if self._chance.random() < self._weather.twice else 1
        self.fate["doubled"] += copies - 1
        for _ in range(copies):
            late = self._chance.random() * self._weather.delay
            self.fate["delivered"] += 1
            moment = time.monotonic() + late
            heapq.heappush(self._due, (moment, next(self._number), link, datagram, to))
