"""One request to a RADIUS server and its verified answer: health checks, and the NAS simulator."""

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from radius_sync.protocol import Code, Drop
from radius_sync.radius import Message, Request, encode_status, read_reply


@dataclass(frozen=True, slots=True)
class Server:
    """A RADIUS server as a NAS knows it; `timeout` (seconds) is for each of `tries` sends. `lost`
    says of each datagram, out or in, whether a simulated network loses it.
    """

    address: str
    auth_port: int
    acct_port: int
    secret: bytes = field(repr=False)
    timeout: float = 2.0
    tries: int = 5
    lost: Callable[[], bool] = lambda: False


class NoAnswer(Exception):
    """The server said nothing that could be verified."""


@dataclass(frozen=True, slots=True)
class Status:
    """`skew`: seconds its clock is ahead of ours, as far as the time on the way does not explain
    them; None when it does not say."""

    alive: bool
    skew: float | None = None


def exchange(server: Server, port: int, request: Request, *, now: float | None = None) -> Message:
    """Send until a verified answer comes. Raises NoAnswer.

    Every exchange has its own source port, so identifiers never meet. `now` is the Unix time by
    which an answer's Event-Timestamp is judged, None for ours.
    """
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.connect((server.address, port))
        for _ in range(server.tries):
            deadline = time.monotonic() + server.timeout
            try:
                if not server.lost():
                    link.send(request.raw)
                while (left := deadline - time.monotonic()) > 0:
                    link.settimeout(left)
                    ours = time.time() if now is None else now
                    reply = read_reply(request, link.recv(8192), now=ours)
                    if not isinstance(reply, Drop) and not server.lost():
                        return reply
            except TimeoutError:
                continue
            except ConnectionRefusedError as error:
                raise NoAnswer(f"nobody listens on {server.address}:{port}") from error
    raise NoAnswer(f"no answer from {server.address}:{port} after {server.tries} tries")


def identifier() -> int:
    """A random one."""
    return random.randrange(256)  # noqa: S311 - matched, not trusted


def ask_status(server: Server) -> Status:
    """Ask a Status-Server (RFC 5997) on the authentication port."""
    asked = int(time.time())
    try:
        reply = exchange(server, server.auth_port, encode_status(identifier(), server.secret))
    except NoAnswer:
        return Status(alive=False)
    if reply.code != Code.ACCESS_ACCEPT:
        return Status(alive=False)
    told, now = reply.timestamp, int(time.time())
    skew = None if told is None else max(0, told - now) + min(0, told - asked)
    return Status(alive=True, skew=skew)


def is_alive(server: Server) -> bool:
    """Whether the server answers a Status-Server."""
    return ask_status(server).alive
