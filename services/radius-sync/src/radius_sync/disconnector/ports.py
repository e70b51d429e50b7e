"""Source ports: at most 256 requests from one to a NAS in 300 s (RFC 5176 section 6.3)."""

import ipaddress
import selectors
import socket
import threading
from collections.abc import Hashable

from radius_sync.disconnector.flight import Port
from radius_sync.disconnector.orders import Nas, Policy
from radius_sync.protocol import EVENT_WINDOW_SECONDS

IDENTIFIERS = 256
# How often the system may offer a port number we used a moment ago before we give up.
ATTEMPTS = 64


class RecentPorts:
    """The port numbers of the last 300 s, by NAS, so that no identifier meets its older self.

    It knows those of this process; the system's random choice among 28,000 numbers keeps two
    processes apart.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[Hashable, int], float] = {}  # the oldest first
        self._lock = threading.Lock()

    def remember(self, nas: Hashable, number: int, now: float) -> None:
        """A port was used until `now` (monotonic seconds)."""
        with self._lock:
            self._until.pop((nas, number), None)
            self._until[nas, number] = now + EVENT_WINDOW_SECONDS
            while self._until[oldest := next(iter(self._until))] <= now:
                del self._until[oldest]

    def holds(self, nas: Hashable, number: int, now: float) -> bool:
        """Whether the number was used for that NAS within the window."""
        return self._until.get((nas, number), 0.0) > now


RECENT_PORTS = RecentPorts()


class Ports:
    """All open ports of one exchange, in one selector."""

    def __init__(self, policy: Policy, recent: RecentPorts = RECENT_PORTS) -> None:
        self.selector = selectors.DefaultSelector()
        self._policy = policy
        self._recent = recent

    def open(self, nas: Nas) -> Port:
        """A port nobody used for that NAS in 300 s.

        Raises ValueError if its address is no IP address, OSError if the system has no way there.
        """
        held: list[socket.socket] = []
        try:
            for _ in range(ATTEMPTS):
                held.append(self._connected(nas))
                number = held[-1].getsockname()[1]
                if not self._recent.holds(nas.key, number, self._policy.monotonic()):
                    identifiers = self._policy.random.sample(range(IDENTIFIERS), IDENTIFIERS)
                    port = Port(held.pop(), nas, identifiers)
                    self.selector.register(port.link, selectors.EVENT_READ, port)
                    return port
        finally:
            for link in held:
                link.close()
        raise OSError("no source port is free for this NAS: too many requests in 300 s")

    def close(self, port: Port) -> None:
        """Give the port back; its number rests for 300 s."""
        self.selector.unregister(port.link)
        port.link.close()
        self._recent.remember(port.nas.key, port.number, self._policy.monotonic())

    def close_all(self) -> None:
        """End of the exchange, finished or not."""
        for key in list(self.selector.get_map().values()):
            self.close(key.data)
        self.selector.close()

    def _connected(self, nas: Nas) -> socket.socket:
        version = ipaddress.ip_address(nas.address).version
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        link = socket.socket(family, socket.SOCK_DGRAM)
        try:
            link.setblocking(False)
            source = self._policy.source_address
            if source and ipaddress.ip_address(source).version == version:
                link.bind((source, 0))
            link.connect((nas.address, nas.coa_port))
        except OSError:
            link.close()
            raise
        return link
