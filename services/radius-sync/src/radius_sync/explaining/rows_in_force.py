"""What the rows of a login say: whether they reject it, and whether they are those that are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from radius_sync import simulating
from radius_sync.explaining.reasons import Reason
from radius_sync.persistence import state_of_login
from radius_sync.rlm_sql import Decision, Form, Request, decide

KEPT_OUT = frozenset({"blocked", "removed"})
HEAL = 'POST /v1/reconciliations {"heal": true} writes the rows anew.'
# By the reason of the decision, when the books would let the login in.
ADVICE = {
    "expired": "Take a payment, or renew: POST /v1/customers/{id}/activate.",
    "no_password": "Give it a password: PATCH /v1/customers/{id}. " + HEAL,
    "simultaneous_use": "End the open session: POST /v1/sessions/{id}/disconnect, its id is in"
    " GET /v1/sessions?username={username}.",
}


def decision(session: Session, username: str) -> Decision:
    """FreeRADIUS' answer to the right password now, from a NAS of which nothing is known."""
    request = Request(Form.PAP, {"User-Name": username}, datetime.now(UTC))
    return decide(simulating.tables(session, username), request)


def rejecting(login: Any, decided: Decision) -> Iterator[Reason]:
    """The row that keeps the login out, whatever password it brings."""
    if decided.accepted:
        return
    if login.access in KEPT_OUT:
        advice = (
            f"The books say {login.access} ({login.reason}): do what is told for their reasons in"
            " GET /v1/customers/{id}/why-offline."
        )
    else:
        advice = ADVICE.get(decided.reason, HEAL)
    detail = f"FreeRADIUS rejects it whatever the password: {decided.steps[-1].text}"
    yield Reason("rows_reject", detail, filled(advice, login), login.changed_at)


def not_applied(session: Session, login: Any) -> Iterator[Reason]:
    """Rows that differ from the desired ones, and RADIUS servers that have not got them yet."""
    state = state_of_login(session, login.username)
    behind = [one for one in state["targets"] if not one["applied"]]
    if not state["in_sync"] and not behind:
        yield Reason(
            "rows_differ",
            "The rows that FreeRADIUS reads are not those that follow from the books.",
            f"{HEAL} GET /v1/subscribers/{login.username} shows both.",
        )
    for one in behind:
        why = f": {one['error']}" if one["error"] else ", it is being written"
        yield Reason(
            "target_behind",
            f"The RADIUS server {one['name']} has not got the newest rows{why}.",
            "See that its database answers: GET /v1/targets. What it has missed is written by itself.",
            login.changed_at,
        )


def filled(advice: str, login: Any) -> str:
    """With the login's name and its customer's id, but for sessions' ids."""
    customer = "{id}" if login.customer_id is None else str(login.customer_id)
    named = advice.replace("/customers/{id}", f"/customers/{customer}")
    return named.replace("{username}", login.username)
