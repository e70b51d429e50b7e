"""What customers shows under /metrics beside what every service shows."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import chain_heads, policies, retention
from shared.metrics import TIME_ZONE

PURGE_AGE = Gauge(
    "tenure_purge_age_seconds", "Since the retention purge ran last; -1: it never ran"
)
PURGE_OVERDUE = Gauge("tenure_purge_overdue", "1: nobody purged for more than 26 hours")
SESSIONS_UNANSWERED = Gauge(
    "tenure_sessions_unanswered", "Claims of sessions that radius-sync has not answered for a day"
)
BILLING_UNANSWERED = Gauge(
    "tenure_billing_unanswered", "Claims of billing that payments has not answered for a day"
)
HEADS_BROKEN = Gauge(
    "tenure_chain_heads_broken", "Signed heads of operations logs that did not stand a day later"
)
HELD_BACK = Gauge(
    "tenure_erasures_held_back", "Erasures without a certificate: Redis or a log names the erased"
)
WEBHOOKS = Gauge("tenure_webhook_endpoints", "Webhook endpoints by state", ["state"])
WEBHOOKS_DUE = Gauge("tenure_webhook_deliveries_due", "Webhook deliveries that are due by now")

_WEBHOOKS = text("SELECT state, count(*) FROM webhook_endpoint GROUP BY state")
_DUE = text("SELECT count(*) FROM webhook_delivery WHERE state = 'due' AND due_at <= now()")


_HELD_BACK = text(
    "SELECT count(*) FROM erasure WHERE state = 'running'"
    " AND jsonb_array_length(leftovers->'hits') > 0"
)


def sample(session: Session) -> None:
    heartbeat = retention.heartbeat(session)
    last: datetime | None = heartbeat["last_run_at"]
    PURGE_AGE.set(-1 if last is None else (datetime.now(UTC) - last).total_seconds())
    PURGE_OVERDUE.set(heartbeat["overdue"])
    SESSIONS_UNANSWERED.set(heartbeat["sessions_unanswered"])
    BILLING_UNANSWERED.set(heartbeat["billing_unanswered"])
    HEADS_BROKEN.set(chain_heads.broken(session))
    HELD_BACK.set(int(session.scalar(_HELD_BACK) or 0))
    TIME_ZONE.labels("customers", "settings", policies.read(session).time_zone).set(1)
    found = {state: number for state, number in session.execute(_WEBHOOKS)}
    for state in ("active", "paused", "disabled"):
        WEBHOOKS.labels(state).set(found.get(state, 0))
    WEBHOOKS_DUE.set(int(session.scalar(_DUE) or 0))
