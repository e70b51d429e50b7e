"""What payments shows under /metrics beside what every service shows."""

from __future__ import annotations

from prometheus_client import Gauge
from sqlalchemy.orm import Session

from payments.persistence import card_guard, deliveries, dunning
from shared.metrics import TIME_ZONE

CARD_FAILURES = Gauge(
    "tenure_card_failures", "Recharge cards that could not be redeemed within the last hour"
)
GATEWAY_WORK = Gauge(
    "tenure_gateway_work", "What waits for a person, or for too long, at gateways", ["kind"]
)
CARD_LOCKS = Gauge("tenure_card_locks", "Who may not redeem cards for now", ["kind"])


def sample(session: Session) -> None:
    """Alarm on a run of failures: somebody guesses PINs."""
    CARD_FAILURES.set(card_guard.failures(session))
    locked = card_guard.locked(session)
    for kind in ("customer", "operator", "address"):
        CARD_LOCKS.labels(kind).set(locked.get(kind, 0))
    TIME_ZONE.labels("payments", "calendar", dunning.calendar(session).time_zone).set(1)
    for kind, waiting in deliveries.waiting(session).items():
        GATEWAY_WORK.labels(kind).set(waiting)
