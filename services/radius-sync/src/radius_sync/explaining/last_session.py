"""How the last session of a login ended, and whether its NAS and the RADIUS servers are there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.explaining.reasons import Reason, told
from radius_sync.persistence import owned

# Three missed interims (F27) and some slack, as `close_stale_sessions` has it.
SILENT_SECONDS = 1000
# The open one, or the newest, of the newest few; of the time in which the login was this customer's.
_LAST = text(
    "SELECT a.*, host(a.nasipaddress) AS nas_address,"
    " a.acctstoptime IS NULL AND a.acctupdatetime < now() - interval '1000 seconds'"
    "  AND (a.acctinterval IS NOT NULL OR a.acctupdatetime < now() - interval '1 day') AS stale,"
    " n.id AS nas_id, n.name AS nas_name, n.last_answer_at, n.breaker_until,"
    " coalesce(n.breaker_until > now(), false) AS silent, heard.at AS heard_at,"
    " d.reason AS cut_reason, d.state AS cut_state, d.outcome AS cut_outcome, d.advice AS cut_advice,"
    " coalesce(d.finished_at, d.created_at) AS cut_at"
    " FROM (SELECT r.* FROM (SELECT * FROM radacct WHERE username = :username"
    "   ORDER BY radacctid DESC LIMIT 20) r JOIN login_owner o ON o.username = r.username"
    f"   AND o.until = 'infinity' AND {owned('r', 'coalesce(r.acctstarttime, r.acctstoptime)')}"
    "  ORDER BY r.acctstoptime IS NULL DESC, r.radacctid DESC LIMIT 1) a"
    " LEFT JOIN nas_device n ON n.address = a.nasipaddress"
    # Of its newest open sessions, by their index: one of so many has reported when the NAS is there.
    " LEFT JOIN LATERAL (SELECT max(acctupdatetime) AS at FROM (SELECT acctupdatetime FROM radacct"
    "   WHERE nasipaddress = a.nasipaddress AND acctstoptime IS NULL"
    "   ORDER BY acctstarttime DESC LIMIT 200) newest) heard ON true"
    " LEFT JOIN LATERAL (SELECT * FROM disconnect_order WHERE acctuniqueid = a.acctuniqueid"
    "  AND kind = 'disconnect' ORDER BY created_at DESC LIMIT 1) d ON true"
)
_SILENT_SERVERS = text(
    "SELECT name, host(radius_address) AS address, radius_port, radius_seen_at FROM target"
    " WHERE enabled AND radius_address IS NOT NULL AND radius_state = 'silent' ORDER BY name"
)
# By Acct-Terminate-Cause (RFC 2866 section 5.10), and our own.
CAUSES = {
    "User-Request": "The customer's side hung up: ask for the router; it should dial in again.",
    "Lost-Carrier": "The line was lost: look at the cable, the ONU and the access point.",
    "Lost-Service": "The NAS did not know the session any more: it was restarted or changed.",
    "Session-Timeout": "It ended with its time: the customer's router should dial in again.",
    "Idle-Timeout": "Nobody used it: the customer's router should dial in again.",
    "NAS-Reboot": "The NAS was restarted: see that it is up again.",
    "Stale-Session": "Accounting stopped coming: look at the NAS and at the way to it.",
}


def read(session: Session, username: str) -> Any | None:
    """The session with its NAS and the last order to end it; None when there was none."""
    return session.execute(_LAST, {"username": username}).one_or_none()


def is_open(last: Any | None) -> bool:
    """Whether accounting shows the login in a session, and goes on telling of it."""
    return last is not None and last.acctstoptime is None and not last.stale


def ended(last: Any) -> Iterator[Reason]:
    """When, why, and what came of the order to end it."""
    where = f"{last.nas_name or last.nas_address}"
    if last.acctstoptime is None:
        yield Reason(
            "stale_session",
            f"Its session at {where} tells nothing since {told(last.acctupdatetime)}, and may keep a"
            " new login out.",
            "It is closed by itself within minutes, or at once by"
            f" POST /v1/sessions/{last.radacctid}/disconnect.",
            last.acctupdatetime,
        )
        return
    cause = last.acctterminatecause or "no cause told"
    detail = f"Its last session, at {where}, ended at {told(last.acctstoptime)}: {cause}."
    if last.cut_state is None:
        advice = CAUSES.get(
            cause, "Let the customer dial in again, and look at the log of the NAS."
        )
        yield Reason("session_ended", detail, advice, last.acctstoptime)
        return
    outcome = f" ({last.cut_outcome})" if last.cut_outcome else ""
    yield Reason(
        "disconnected",
        f"{detail} We ended it because of {last.cut_reason}: {last.cut_state}{outcome}.",
        last.cut_advice or "When nothing else is named here, let the customer dial in again.",
        last.cut_at,
    )


def unreachable(last: Any) -> Iterator[Reason]:
    """What is known of the NAS of the last session, without asking it."""
    if last.nas_id is None:
        yield Reason(
            "nas_unknown",
            f"The NAS of its last session, {last.nas_address}, is not registered.",
            "Register it: POST /v1/nas.",
        )
        return
    test = f"Try it: POST /v1/nas/{last.nas_id}/test says what is wrong."
    if last.silent:
        detail = (
            f"The NAS {last.nas_name} does not answer; it did last at {told(last.last_answer_at)}."
        )
        yield Reason("nas_silent", detail, test, last.last_answer_at)
    if _unheard(last):
        since = last.heard_at or last.acctstoptime
        detail = f"No accounting comes from the NAS {last.nas_name} since {told(since)}."
        yield Reason("nas_not_heard", detail, test, since)


def _unheard(last: Any) -> bool:
    if last.heard_at is None:  # every session there is closed
        return bool(last.acctterminatecause == "Stale-Session")
    return bool((datetime.now(UTC) - last.heard_at).total_seconds() > SILENT_SECONDS)


def silent_servers(session: Session) -> Iterator[Reason]:
    """RADIUS servers that are asked whether they are there (RFC 5997), and are not."""
    for one in session.execute(_SILENT_SERVERS):
        yield Reason(
            "radius_silent",
            f"The RADIUS server {one.name} ({one.address}:{one.radius_port}) does not answer; it did"
            f" last at {told(one.radius_seen_at)}.",
            "Start it, and see that UDP reaches its port; GET /v1/targets/{id}/doctor looks at its"
            " database.",
            one.radius_seen_at,
        )
