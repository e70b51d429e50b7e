"""The RADIUS client of the simulated NAS: logins and accounting against a real server."""

import hashlib
import os
import time
from collections.abc import Sequence
from enum import StrEnum

from radius_sync.nas_simulator import mschap
from radius_sync.nas_simulator.sessions import Session
from radius_sync.protocol import Attributes, Value
from radius_sync.radius import Message, encode_access, encode_accounting
from radius_sync.radius_client import Server, exchange, identifier


class Method(StrEnum):
    """How the password is shown to the server."""

    PAP = "pap"
    CHAP = "chap"
    MSCHAP = "mschapv2"


def authenticate(server: Server, session: Session, method: Method, nas: Attributes) -> Message:
    """The Access-Accept or Access-Reject. Raises NoAnswer."""
    common: list[tuple[str, Value]] = [
        ("User-Name", session.username),
        *nas,
        ("NAS-Port", session.nas_port),
        ("NAS-Port-Type", "Ethernet"),
        ("Service-Type", "Framed-User"),
        ("Framed-Protocol", "PPP"),
        ("Calling-Station-Id", session.calling_station_id),
    ]
    password = session.password
    if method is Method.PAP:
        request = encode_access(identifier(), server.secret, common, password=password)
    else:
        request = encode_access(
            identifier(), server.secret, [*common, *proof(method, session.username, password)]
        )
    return exchange(server, server.auth_port, request)


def proof(method: Method, username: str, password: str) -> Sequence[tuple[str, bytes]]:
    """CHAP (RFC 2865 section 5.3) or MS-CHAPv2 (RFC 2548 section 2.3) over a random challenge."""
    challenge, number = os.urandom(16), identifier()
    if method is Method.MSCHAP:
        answer = mschap.response(number, username, password, challenge, os.urandom(16))
        return (("MS-CHAP-Challenge", challenge), ("MS-CHAP2-Response", answer))
    spoken = bytes([number]) + password.encode() + challenge
    digest = hashlib.md5(spoken, usedforsecurity=False).digest()
    return (("CHAP-Challenge", challenge), ("CHAP-Password", bytes([number]) + digest))


def account(server: Server, attributes: Attributes) -> None:
    """One Accounting-Request, acknowledged. Raises NoAnswer."""
    stamped = (*attributes, ("Event-Timestamp", int(time.time())))
    exchange(server, server.acct_port, encode_accounting(identifier(), server.secret, stamped))
