"""What radius-sync shows under /metrics beside what every service shows."""

from __future__ import annotations

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync.disconnecting import storm

WAITING = Gauge(
    "tenure_cut_offs_waiting", "Sessions that are to be ended or walled, counted to 1e5"
)
HELD = Gauge(
    "tenure_storm", "Whether a mass suspension is held back (1) by pacing or a stop", ["state"]
)
ANSWERING = Gauge(
    "tenure_radius_answering", "Whether a RADIUS server answers Status-Server", ["target"]
)
SKEW = Gauge("tenure_radius_clock_skew_seconds", "How far its clock is ahead of ours", ["target"])
_WATCHED = text(
    "SELECT name, radius_state, radius_skew FROM target"
    " WHERE enabled AND radius_address IS NOT NULL AND radius_state <> 'unknown'"
)


def sample(session: Session) -> None:
    """Alarm on `tenure_storm`: somebody should look whether the suspension is meant."""
    now = storm.current(session)
    WAITING.set(now.waiting)
    for state in ("pacing", "stopped"):
        HELD.labels(state).set(now.state == state)
    # One that is gone or disabled must not stay as it was.
    ANSWERING.clear()
    SKEW.clear()
    for target in session.execute(_WATCHED):
        ANSWERING.labels(target.name).set(target.radius_state == "answering")
        if target.radius_skew is not None:
            SKEW.labels(target.name).set(target.radius_skew)
