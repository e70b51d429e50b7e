"""NASes that acknowledge every Disconnect-Request at once, or after a round trip, or never.

A process of its own that does no more than RFC 5176 asks of the answer: what is measured is the sender.
"""

import hashlib
import heapq
import itertools
import selectors
import socket
import sys
import time
from typing import Any

SECRET = b"bench-secret-0123456789"
BUFFER_BYTES = 8 * 1024 * 1024


def acknowledge(request: bytes) -> bytes:
    """Disconnect-ACK with its Response Authenticator (RFC 2865 section 3)."""
    head = bytes((41, request[1], 0, 20))
    signed = hashlib.md5(head + request[4:20] + SECRET, usedforsecurity=False)
    return head + signed.digest()


def serve(count: int, dead: int, round_trip: float) -> None:
    """`count` NASes on ports of their own, the first `dead` of which say nothing; prints the ports."""
    selector = selectors.DefaultSelector()
    links = [_link() for _ in range(count)]
    for number, link in enumerate(links):
        selector.register(link, selectors.EVENT_READ, number >= dead)
    print(*(link.getsockname()[1] for link in links), flush=True)
    late: list[tuple[float, int, socket.socket, bytes, Any]] = []
    order = itertools.count()
    while True:
        pause = max(0.0, late[0][0] - time.monotonic()) if late else None
        for key, _ in selector.select(pause):
            asked: Any = key.fileobj
            for datagram, source in _waiting(asked):
                if key.data and round_trip:
                    due = time.monotonic() + round_trip
                    heapq.heappush(late, (due, next(order), asked, acknowledge(datagram), source))
                elif key.data:
                    asked.sendto(acknowledge(datagram), source)
        while late and late[0][0] <= time.monotonic():
            _, _, asked, answer, source = heapq.heappop(late)
            asked.sendto(answer, source)


def _link() -> socket.socket:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    link.bind(("127.0.0.1", 0))
    link.setblocking(False)
    return link


def _waiting(link: socket.socket) -> list[tuple[bytes, Any]]:
    found: list[tuple[bytes, Any]] = []
    while len(found) < 256:
        try:
            found.append(link.recvfrom(4096))
        except OSError:
            break
    return found


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
