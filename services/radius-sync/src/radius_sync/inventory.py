"""What a NAS itself says of its live sessions: a JSON list, asked for by HTTP.

RADIUS has no question for it, and each vendor's interface is another one; so the NAS, or a small
script beside it, answers a GET with

    [{"Acct-Session-Id": "81c00a0b", "User-Name": "alice", "Framed-IP-Address": "100.64.0.7",
      "started": "2026-11-22T08:30:00Z"}, …]

with all of its RADIUS sessions, the ids byte for byte as in accounting. The last two are optional.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests

# Of a session about 150 bytes: what 200,000 take, which no NAS has.
MOST_BYTES = 32 * 1024 * 1024
# To connect, and between two reads; the whole answer within the deadline: fifty NASes that drip must
# not keep a reconciliation for a minute.
TIMEOUT, DEADLINE = (3.0, 5.0), 10.0
CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """One session; `username` in lower case, as accounting keeps it."""

    session_id: str
    username: str
    framed_address: str | None = None
    started: datetime | None = None


class Unanswered(Exception):
    """The NAS did not answer, or not so that it can be relied on; the text is for an operator."""


def check_url(url: str, *, loopback: bool) -> None:
    """ValueError unless it is an http(s) address that may be asked: not this machine's own services
    or those of its cloud (loopback only where the demo's NAS is)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("must be http://HOST:PORT/PATH or https://…, without a name or password")
    if parts.fragment or not url.isprintable() or " " in url:
        raise ValueError("must have no fragment and no spaces")
    parts.port  # noqa: B018 - reading it is the check
    for address in _addresses(parts.hostname):
        _check_address(address, loopback)


def ask(url: str, token: str | None, *, loopback: bool) -> list[Listed]:
    """All live sessions. Raises Unanswered; takes no longer than about `DEADLINE` seconds."""
    try:
        check_url(url, loopback=loopback)
        return read(_get(url, token))
    except requests.RequestException as error:
        # Its text holds the address; the kind of the error says enough.
        raise Unanswered(f"no answer ({type(error).__name__})") from error
    except (ValueError, RecursionError) as error:
        raise Unanswered(str(error)[:300]) from error


def read(body: bytes) -> list[Listed]:
    """The sessions of an answer; ValueError names the first thing that is not as it should be."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError("the answer is not JSON") from error
    if not isinstance(document, list):
        raise ValueError("the answer is not a list")
    return [_listed(number, entry) for number, entry in enumerate(document)]


def _get(url: str, token: str | None) -> bytes:
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    deadline = time.monotonic() + DEADLINE
    with requests.Session() as session:
        session.trust_env = False  # no proxy, and no other credentials
        with session.get(
            url, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise ValueError(f"the answer is {answer.status_code}")
            body = bytearray()
            for chunk in answer.iter_content(CHUNK):
                body += chunk
                if len(body) > MOST_BYTES or time.monotonic() > deadline:
                    raise ValueError("the answer is too long, or takes too long")
    return bytes(body)


def _listed(number: int, entry: Any) -> Listed:
    if not isinstance(entry, dict):
        raise ValueError(f"session {number} is no object")
    framed, started = entry.get("Framed-IP-Address"), entry.get("started")
    try:
        return Listed(
            _text(entry.get("Acct-Session-Id")),
            _text(entry.get("User-Name")).lower(),
            _address(framed) if framed else None,
            _time(started) if started else None,
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"session {number}: {error}") from error


def _text(value: Any) -> str:
    # RFC 2865 section 5: an attribute holds 253 octets.
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.encode()) <= 253:
        raise ValueError("Acct-Session-Id and User-Name must be texts of at most 253 octets")
    return value


def _address(value: Any) -> str:
    if not isinstance(value, str) or "%" in value:
        raise ValueError("Framed-IP-Address must be an address, without a zone")
    return str(ipaddress.ip_address(value))


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("started must have a time zone")
    return moment


def _addresses(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(f"the name {host} has no address") from error
    return [str(one[4][0]) for one in found]


def _check_address(text: str, loopback: bool) -> None:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_loopback and not loopback:
        raise ValueError("must not be a loopback address")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError("must be the address of one machine")
