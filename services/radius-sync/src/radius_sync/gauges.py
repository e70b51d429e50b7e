"""What radius-sync shows under /metrics beside what every service shows."""

from __future__ import annotations

from prometheus_client import Gauge
from sqlalchemy.orm import Session

from radius_sync.disconnecting import storm

WAITING = Gauge(
    "tenure_cut_offs_waiting", "Sessions that are to be ended or walled, counted to 1e5"
)
HELD = Gauge(
    "tenure_storm", "Whether a mass suspension is held back (1) by pacing or a stop", ["state"]
)


def sample(session: Session) -> None:
    """Alarm on `tenure_storm`: somebody should look whether the suspension is meant."""
    now = storm.current(session)
    WAITING.set(now.waiting)
    for state in ("pacing", "stopped"):
        HELD.labels(state).set(now.state == state)
