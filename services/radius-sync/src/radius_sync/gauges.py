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
LATE = Gauge("tenure_orders_oldest_age_seconds", "How late the oldest due Disconnect or CoA is")
NASES = Gauge("tenure_nas", "NASes by state", ["state"])
LISTING = Gauge(
    "tenure_nas_listing", "Whether a NAS with a sessions_url listed its sessions last time", ["nas"]
)
RECONCILED = Gauge(
    "tenure_reconciliation_age_seconds", "Since a reconciliation last came to its end"
)
DROPPED = Gauge(
    "tenure_coa_replies_dropped", "Datagrams that were no answer, since ever", ["nas", "cause"]
)
_LATE = text(
    "SELECT coalesce(greatest(extract(epoch FROM now() - min(not_before)), 0), 0)"
    " FROM disconnect_order WHERE state IN ('due', 'sent', 'deferred')"
)
_NASES = text(
    "SELECT count(*) FILTER (WHERE breaker_until > now()) AS silent,"
    " count(*) FILTER (WHERE breaker_until <= now() OR breaker_until IS NULL) AS others"
    " FROM nas_device"
)
_DROPPED = text("SELECT host(nas_address), cause, dropped FROM dropped_reply")
_LISTING = text(
    "SELECT name, sessions_state FROM nas_device"
    " WHERE sessions_url IS NOT NULL AND sessions_state <> 'unknown'"
)
# Its tick tells when it began: one that dies every minute would look well.
_RECONCILED = text(
    "SELECT coalesce(extract(epoch FROM now() - coalesce((SELECT finished_at FROM reconciliation"
    "  WHERE finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1),"
    " (SELECT min(started_at) FROM reconciliation))), 0)"
)
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
    LATE.set(float(session.scalar(_LATE) or 0))
    RECONCILED.set(float(session.scalar(_RECONCILED) or 0))
    nases = session.execute(_NASES).one()
    NASES.labels("silent").set(nases.silent)
    NASES.labels("other").set(nases.others)
    for address, cause, dropped in session.execute(_DROPPED):
        DROPPED.labels(address, cause).set(dropped)
    # One that is gone or disabled must not stay as it was.
    LISTING.clear()
    for nas in session.execute(_LISTING):
        LISTING.labels(nas.name).set(nas.sessions_state == "listed")
    ANSWERING.clear()
    SKEW.clear()
    for target in session.execute(_WATCHED):
        ANSWERING.labels(target.name).set(target.radius_state == "answering")
        if target.radius_skew is not None:
            SKEW.labels(target.name).set(target.radius_skew)
