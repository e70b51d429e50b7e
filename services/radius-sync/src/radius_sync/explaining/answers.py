"""What FreeRADIUS answered the login lately, and why, as far as its tables tell.

radpostauth says accept or reject and when, not why: a login whose rows would have let it in, and that
had no session open, brought another password.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.explaining.reasons import Reason, told
from radius_sync.rlm_sql import Decision

REJECT = "Access-Reject"
# More refusals than these are counted as "at least"; a router tries again every few seconds.
MOST = 100
# Only those of the time in which the login was this customer's; the limit comes first, so that the
# index bounds the work.
_ANSWERS = text(
    "SELECT p.reply, p.authdate, p.callingstationid FROM (SELECT * FROM radpostauth"
    f"  WHERE username = :username ORDER BY id DESC LIMIT {MOST}) p"
    " JOIN login_owner o ON o.username = p.username AND o.until = 'infinity'"
    "  AND p.authdate >= o.since ORDER BY p.id DESC"
)


def latest(session: Session, username: str) -> list[Any]:
    """The newest first; at most `MOST`."""
    return list(session.execute(_ANSWERS, {"username": username}).all())


def refusals(answers: Sequence[Any]) -> list[Any]:
    """Those since the last accept, the newest first."""
    return list(takewhile(lambda one: one.reply == REJECT, answers))


def reasons(
    login: Any, decided: Decision, answers: Sequence[Any], last: Any | None
) -> Iterator[Reason]:
    """`last` is the login's last session."""
    refused = refusals(answers)
    if refused:
        yield _refused(login, decided, refused, last)
    elif not answers:
        yield Reason(
            "no_login_tried",
            "No login by this name has reached FreeRADIUS.",
            "Ask for the power, the cable and the user name in the customer's router; then see that"
            " its NAS asks this RADIUS server.",
        )
    elif last is None or answers[0].authdate > newest(last):
        yield Reason(
            "no_accounting",
            f"It was let in at {told(answers[0].authdate)}, but no accounting of a session came.",
            "Turn on accounting at the NAS, to this RADIUS server's port 1813, interims every 300 s.",
            answers[0].authdate,
        )


def already_logged_in(refused: Sequence[Any], last: Any) -> Reason:
    """Refused while a session was open: one login at a time (Simultaneous-Use)."""
    return Reason(
        "already_logged_in",
        f"{_count(refused)} while its session at {_place(last)} was open, or seemed so.",
        f"If the customer is not in that session, end it: POST /v1/sessions/{last.radacctid}/disconnect.",
        refused[0].authdate,
    )


def _refused(login: Any, decided: Decision, refused: Sequence[Any], last: Any | None) -> Reason:
    at = refused[0].authdate
    if not decided.accepted and decided.reason != "simultaneous_use":
        return Reason(
            "refused_by_rows",
            f"{_count(refused)}, as the rows in force say.",
            "Mend what keeps the rows so, named above; the next login is let in.",
            at,
        )
    if last is not None and _open_at(last, at):
        return already_logged_in(refused, last)
    if login.changed_at > at:
        return Reason(
            "refused_before_change",
            f"{_count(refused)}; its rows have been changed since, at {told(login.changed_at)}.",
            "Let the customer dial in again: restart the router.",
            at,
        )
    return Reason(
        "wrong_password",
        f"{_count(refused)}, though its rows let it in: the password was wrong.",
        "Compare the password in the customer's router, or set a new one: PATCH"
        f" /v1/customers/{login.customer_id}. If all logins of a NAS fail so, its secret differs:"
        " POST /v1/nas/{id}/test.",
        at,
    )


def _count(refused: Sequence[Any]) -> str:
    number, station = len(refused), refused[0].callingstationid
    times = "once" if number == 1 else f"{'at least ' if number == MOST else ''}{number} times"
    source = f" from {station}" if station else ""
    return f"Refused {times}, the last time at {told(refused[0].authdate)}{source}"


def _place(last: Any) -> str:
    return f"{last.nas_name or last.nas_address} (since {told(last.acctstarttime)})"


def _open_at(last: Any, at: Any) -> bool:
    began = last.acctstarttime is None or last.acctstarttime <= at
    return began and (last.acctstoptime is None or last.acctstoptime > at)


def newest(last: Any) -> Any:
    """When accounting last told of the session."""
    return max(
        at for at in (last.acctstarttime, last.acctupdatetime, last.acctstoptime) if at is not None
    )
