"""Whose address a request came from: told by a proxy that is trusted, or vouched for by the console.

Throttling of sign-ins (B18) and the operations log (B21) need the browser's address, not that of what
stands between. Nobody else's word counts: a caller may write any header.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

Network = IPv4Network | IPv6Network
HEADER = "Tenure-Client-Address"
# As long as a service token: a call is answered well before.
VOUCHED_SECONDS = 60


def networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, 192.0.2.7` as networks. Raises ValueError for anything else."""
    return tuple(ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip())


def behind(proxies: Sequence[Network], peer: str, forwarded: str) -> str:
    """The last address of X-Forwarded-For that no trusted proxy has; `peer` unless that is one.

    Read from the right: what stands further left was written by the caller.
    """
    client = peer
    for told in reversed(forwarded.split(",")):
        if not _within(proxies, client):
            break
        if not _is_address(told.strip()):
            break
        client = told.strip()
    return client


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(proxies: Sequence[Network], address: str) -> bool:
    return _is_address(address) and any(ip_address(address) in one for one in proxies)


def vouch(address: str, secret: str) -> str:
    """For the header, signed with the site's own secret: a compact JWS (RFC 7515), HS256."""
    claims = {"address": address, "exp": int(time.time()) + VOUCHED_SECONDS}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret), algorithms=["HS256"])


def vouched(header: str, secret: str) -> str | None:
    """The address that one of our own services vouches for; None when nobody does, or not any more."""
    if not header:
        return None
    try:
        claims = jwt.decode(header, OctKey.import_key(secret), algorithms=["HS256"]).claims
        address, end = claims["address"], claims["exp"]
    except (JoseError, ValueError, KeyError):
        return None
    fits = isinstance(address, str) and isinstance(end, int) and _is_address(address)
    return address if fits and end > time.time() else None
