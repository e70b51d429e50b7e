"""Which answers show personal data: who was shown them stands in `/v1/access-log`."""

from __future__ import annotations

from collections.abc import Mapping

from shared.http.looking import SHOWN_BY_ALL

# By route: what it shows. Every other GET shows NASes, servers, rules or states (a test lists them).
SHOWS: Mapping[str, str] = {
    **SHOWN_BY_ALL,
    "/v1/subscribers": "subscribers",
    "/v1/subscribers/<username>": "subscriber",
    "/v1/subscribers/<username>/decision": "subscriber.decision",
    "/v1/subscribers/<username>/why-offline": "subscriber.why_offline",
    "/v1/sessions": "sessions",
    "/v1/sessions/who-had": "sessions.who_had",
    "/v1/disconnects": "disconnects",
    "/v1/disconnects/<uuid:order_id>": "disconnect",
    "/v1/usage": "usage",
    "/v1/reconciliations/<uuid:report_id>": "reconciliation",
}
