"""Trying a NAS out: is it there, is the secret the same, is its clock right, what does it insist on?

It is asked to end a session that cannot exist, so nobody is cut. A NAS says nothing to what it does
not trust (RFC 5176 section 3.5), so silence is told apart by asking in other ways, and by what its
accounting shows.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.disconnector import (
    Kind,
    Nas,
    Order,
    Outcome,
    Policy,
    Result,
    Retransmission,
    exchange_all,
)
from radius_sync.protocol import EVENT_WINDOW_SECONDS, Attributes, Code, Drop
from radius_sync.radius import encode_dynamic
from radius_sync.radius_client import NoAnswer, Server, exchange, identifier
from radius_sync.vendors import VENDORS, SessionKeys, warnings
from shared.sealing import unseal

# A person waits for it: three transmissions within about four seconds, then the other ways at once.
PROBE = Policy(retransmission=Retransmission(initial=0.7, maximum=2.0, count=3, duration=4.0))
TIMEOUT, TRIES = 0.7, 2
# As old as the last report of a NAS with open sessions may be: three interims.
ACCOUNTING_SECONDS = 1000

_NAS = text(
    "SELECT n.*, host(n.address) AS host, heard.at AS heard_at FROM nas_device n,"
    # Of open sessions only: an index has them.
    " LATERAL (SELECT max(acctupdatetime) AS at FROM radacct"
    "  WHERE nasipaddress = n.address AND acctstoptime IS NULL) heard WHERE n.id = :id"
)


@dataclass(frozen=True)
class Prepared:
    """`heard_at`: what the clock of the NAS said in its newest accounting, None without sessions."""

    nas: Nas
    vendor: str
    rate_policy: str | None
    heard_at: datetime | None


def prepare(session: Session, nas_id: UUID, key: bytes) -> Prepared:
    row = session.execute(_NAS, {"id": nas_id}).one()
    secret = unseal(row.secret_sealed, key).encode()
    nas = Nas(row.host, row.coa_port, secret, require_ma_reply=row.require_ma_reply)
    return Prepared(nas, row.vendor, row.rate_policy, row.heard_at)


def probe(prepared: Prepared) -> dict[str, Any]:
    """`works` is whether a verified answer came; `secret` is `same`, `different` or `unknown`;
    `requires` names the attributes without which it does not answer, of those it may insist on."""
    outcome = _ask(prepared)
    answered = outcome.result in (Result.ACKED, Result.NAKED)
    found = _insists(prepared) if answered else _silence(prepared, outcome)
    return {
        "works": answered,
        "result": outcome.result.value,
        "code": None if outcome.code is None else int(outcome.code),
        "error_cause": outcome.error_cause,
        "round_trip_ms": outcome.round_trip_ms,
        "secret": "same" if answered else "different" if _forged(outcome) else "unknown",
        "clock_skew_seconds": None,
        "requires": None,
        # 503 is the right answer: there is no such session.
        "advice": "" if outcome.error_cause == 503 else outcome.detail,
        "warnings": warnings(prepared.vendor, prepared.rate_policy),
        **found,
    }


def _attributes(prepared: Prepared) -> Attributes:
    keys = SessionKeys("tenure-probe", "tenure-probe-0", "192.0.2.1", prepared.nas.address)
    return VENDORS[prepared.vendor].disconnect(keys)


def _ask(prepared: Prepared) -> Outcome:
    order = Order("probe", prepared.nas, Kind.DISCONNECT, _attributes(prepared))
    (outcome,) = exchange_all([order], PROBE)
    return outcome


def _forged(outcome: Outcome) -> bool:
    return bool(outcome.drops.get(Drop.VERIFY))


def _insists(prepared: Prepared) -> dict[str, Any]:
    """Ask without each attribute that a NAS may want, both at once."""
    now = int(time.time())
    ways: dict[str, tuple[bool, int | None]] = {
        "Message-Authenticator": (False, now), "Event-Timestamp": (True, None),
    }  # fmt: skip
    with ThreadPoolExecutor(len(ways)) as pool:
        answers = pool.map(lambda way: _answers(prepared, *way), ways.values())
        return {"requires": [name for name, said in zip(ways, answers, strict=True) if not said]}


def _silence(prepared: Prepared, outcome: Outcome) -> dict[str, Any]:
    where = f"{prepared.nas.address}, port {prepared.nas.coa_port}"
    if outcome.result is Result.REFUSED:
        return {
            "advice": f"Nothing listens at {where}: is dynamic authorization on, and its port this?"
        }
    if _forged(outcome):
        return {"advice": "It answers with another secret: set the same at both ends."}
    skew, shown = None, int(time.time())
    if prepared.heard_at is not None:
        # Half a window later: that is where its clock is if it has reported within one.
        shown = int(prepared.heard_at.timestamp()) + EVENT_WINDOW_SECONDS // 2
        skew = prepared.heard_at.timestamp() - time.time()
    if skew is not None and abs(skew) > EVENT_WINDOW_SECONDS and _answers(prepared, True, shown):
        return _clock_off(skew)
    if outcome.drops.get(Drop.TIMESTAMP) or _answers(prepared, True, None):
        return _clock_off(skew)
    if skew is not None and abs(skew) < ACCOUNTING_SECONDS:
        return {
            "secret": "same",
            "advice": "No answer, though its accounting comes in with this secret: is dynamic"
            " authorization on at the NAS, is this the port, is our address allowed there?",
        }
    return {
        "advice": "No answer, and no accounting either: is it on, is this its address, are the"
        " secrets the same, does a firewall keep UDP away?"
    }


def _clock_off(skew: float | None) -> dict[str, Any]:
    told = "" if skew is None else f" about {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    return {
        "secret": "same",
        "clock_skew_seconds": skew,
        "advice": f"Its clock is off{told}: it drops our requests as too old or too new"
        f" ({EVENT_WINDOW_SECONDS} s are allowed). Let it keep time by NTP.",
    }


def _answers(prepared: Prepared, signed: bool, timestamp: int | None) -> bool:
    """Whether a verified answer comes to a request of this kind."""
    nas = prepared.nas
    request = encode_dynamic(
        Code.DISCONNECT_REQUEST, identifier(), nas.secret, _attributes(prepared),
        timestamp=timestamp, signed=signed,
    )  # fmt: skip
    server = Server(nas.address, nas.coa_port, nas.coa_port, nas.secret, TIMEOUT, TRIES)
    try:
        exchange(server, nas.coa_port, request, now=timestamp)
    except NoAnswer:
        return False
    return True
