"""Storm protection: a mass suspension is paced, so that a mistake can be stopped and those who dial in
again do not come all at once. Rows and reject rows are in force meanwhile; only sessions live longer.

A cut-off is a Disconnect or a move into the walled garden that no operator asked for one by one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import operations
from shared.logs import logger
from shared.operations import SYSTEM, Actor

log = logger("storm")
CUT = "(kind = 'disconnect' OR change = 'wall') AND reason <> 'operator'"
_DUE = f"{CUT} AND state IN ('due', 'sent', 'deferred')"
# Counting stops here: beyond it the number does not change what to do.
COUNTED = 100_000

_ASSESS = text(
    "SELECT s.state, s.threshold < (SELECT count(*) FROM (SELECT FROM disconnect_order"
    f"  WHERE {CUT} AND created_at > now() - s.window_seconds * interval '1 second'"
    "  LIMIT s.threshold + 1) AS newest) AS many,"
    f" EXISTS (SELECT FROM disconnect_order WHERE {_DUE}) AS waiting FROM storm s"
)
_TURN = text(
    "UPDATE storm SET state = :state, since = now(), decided_by = :by, tokens = 0,"
    " refilled_at = now(), version = version + 1 WHERE state = ANY(:was) RETURNING *"
)
# At most a second's worth is saved up, or one where that is less; what is taken is whole.
_TAKE = text(
    "WITH filled AS (SELECT least(greatest(per_second, 1), tokens + per_second"
    "  * extract(epoch FROM clock_timestamp() - refilled_at)) AS tokens FROM storm FOR UPDATE)"
    " UPDATE storm s SET tokens = f.tokens - floor(f.tokens), refilled_at = clock_timestamp()"
    " FROM filled f RETURNING CAST(floor(f.tokens) AS bigint)"
)
_STATE = text(
    "SELECT s.*, (SELECT count(*) FROM (SELECT FROM disconnect_order"
    f" WHERE {_DUE} LIMIT :most) AS due) AS waiting FROM storm s"
)
FROM = {
    "stopped": ("pacing", "released"),
    "released": ("pacing", "stopped"),
    "pacing": ("stopped", "released"),
}


def allowance(session: Session) -> int | None:
    """How many cut-offs may be sent now; None when nothing holds them back."""
    found = session.execute(_ASSESS).one()
    state = found.state
    if state == "calm" and found.many and found.waiting:
        state = _turn(session, "pacing", ("calm",))
    elif state != "calm" and not found.many and not found.waiting:
        state = _turn(session, "calm", (state,))
    if state == "pacing":
        return int(session.scalar(_TAKE) or 0)
    return 0 if state == "stopped" else None


def decide(session: Session, state: str, reason: str | None, actor: Actor) -> bool:
    """An operator's word: `stopped`, `released` or `pacing`; False when there is no storm."""
    was = FROM[state]
    turned = session.execute(_TURN, {"state": state, "by": actor.name, "was": list(was)}).first()
    if turned is None:
        return False
    operations.record(
        session, actor, f"storm.{state}", "storm", None, operator_path="", reason=reason,
        after={"state": state}, personal=False,
    )  # fmt: skip
    return True


def current(session: Session) -> Any:
    """The row, with how many cut-offs wait (counted up to 100,000)."""
    return session.execute(_STATE, {"most": COUNTED}).one()


def _turn(session: Session, state: str, was: tuple[str, ...]) -> str:
    """By the clock; the state that holds now, also when somebody else has just turned it."""
    turned = session.execute(_TURN, {"state": state, "by": None, "was": list(was)}).first()
    if turned is None:
        return str(session.scalar(text("SELECT state FROM storm")))
    log.warning("storm.turned", state=state)
    operations.record(
        session, SYSTEM, f"storm.{state}", "storm", None, operator_path="",
        after={"state": state, "threshold": turned.threshold}, personal=False,
    )  # fmt: skip
    return state
