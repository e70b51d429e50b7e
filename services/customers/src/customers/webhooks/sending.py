"""One POST to somebody else's address, which may be hostile (OWASP: server-side request forgery).

Names are resolved here, every address must be public, and the connection goes to the very address that
was looked at, so that a second answer of the DNS changes nothing. No redirects, no proxies, nothing
read but the status, and an end to it after a fixed time whatever the other side does.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

# Standard Webhooks: 15 to 30 s. A receiver is to take the message and work on it later.
SECONDS = 15.0
HEADERS = {"Content-Type": "application/cloudevents+json", "User-Agent": "Tenure-Webhooks/1"}


class NotAllowed(ValueError):
    """The address is none that we send to; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """`status` is the receiver's; None: there was no answer, because of `error`."""

    status: int | None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check(url: str, *, private: bool) -> SplitResult:
    """What can be said of an address without asking the DNS. Raises NotAllowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("is no address") from error
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise NotAllowed("must begin with https://")
    if not parts.hostname or port == 0 or not re.fullmatch(r"[!-~]+", url):
        raise NotAllowed("is no address such as https://example.org/hook")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("must not hold a user name or a password")
    if not private and _is_number(parts.hostname):
        _refuse_private(parts.hostname)
    return parts


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_private(address: str) -> None:
    found = ip_address(address)
    inner = getattr(found, "ipv4_mapped", None) or found
    if not inner.is_global or inner.is_multicast:
        raise NotAllowed("leads to an address that is not public")


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, private: bool, seconds: float = SECONDS
) -> Outcome:
    """Send it once; every failure is an outcome. `private`: to any address, and without TLS."""
    try:
        parts = check(url, private=private)
        address = _resolved(parts, private)
        return _send(parts, address, body, {**HEADERS, **headers}, seconds)
    except NotAllowed as error:
        return Outcome(None, str(error))
    except ssl.SSLError as error:
        return Outcome(None, f"TLS: {error.reason or 'failed'}")
    except (OSError, http.client.HTTPException) as error:
        # The kind alone: what a receiver says may name a person.
        return Outcome(None, "no answer in time" if _late(error) else type(error).__name__)


def _late(error: Exception) -> bool:
    return isinstance(error, TimeoutError | http.client.RemoteDisconnected)


def _resolved(parts: SplitResult, private: bool) -> str:
    assert parts.hostname is not None
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NotAllowed("its name is not known") from error
    addresses = [str(one[4][0]) for one in found]
    if not private:
        for address in addresses:
            _refuse_private(address)
    return addresses[0]


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _send(
    parts: SplitResult, address: str, body: bytes, headers: Mapping[str, str], seconds: float
) -> Outcome:
    assert parts.hostname is not None
    raw = socket.create_connection((address, _port(parts)), timeout=seconds)
    # Each read has its own limit; a receiver that drips would have them all.
    end = threading.Timer(seconds, _cut, [raw])
    end.daemon = True
    end.start()
    connection = http.client.HTTPConnection(parts.hostname, _port(parts))
    try:
        connection.sock = (
            ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname)
            if parts.scheme == "https"
            else raw
        )
        host = parts.netloc
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Host": host, **headers, "Connection": "close"})
        return Outcome(connection.getresponse().status)
    finally:
        end.cancel()
        connection.close()
        raw.close()


def _cut(raw: socket.socket) -> None:
    with suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
