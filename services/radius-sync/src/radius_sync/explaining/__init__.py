"""Why a login is offline, as the network's own tables tell it: the strongest reason first.

Rows in force, rows not yet applied, the last answers, the last disconnect, the NAS, the RADIUS server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from radius_sync.explaining import answers, last_session, rows_in_force
from radius_sync.explaining.reasons import Reason

__all__ = ["Reason", "why_offline"]


def why_offline(session: Session, login: Any) -> dict[str, Any]:
    """`{username, customer_id, online, reasons: [{code, detail, what_to_do, at}]}` of a row of
    `login`. Who is online has no reasons, unless logins are refused beside the open session."""
    last = last_session.read(session, login.username)
    latest = answers.latest(session, login.username)
    online = last_session.is_open(last)
    found = _beside(latest, last) if online else _offline(session, login, latest, last)
    return {
        "username": login.username,
        "customer_id": login.customer_id,
        "online": online,
        "reasons": [asdict(one) for one in found],
    }


def _beside(latest: list[Any], last: Any) -> Iterator[Reason]:
    """A router that lost its session asks anew while the old one still seems open."""
    refused = answers.refusals(latest)
    if refused and refused[0].authdate > answers.newest(last):
        yield answers.already_logged_in(refused, last)


def _offline(session: Session, login: Any, latest: list[Any], last: Any | None) -> Iterator[Reason]:
    decided = rows_in_force.decision(session, login.username)
    yield from rows_in_force.rejecting(login, decided)
    yield from rows_in_force.not_applied(session, login)
    yield from answers.reasons(login, decided, latest, last)
    if last is not None:
        yield from last_session.ended(last)
        yield from last_session.unreachable(last)
    yield from last_session.silent_servers(session)
