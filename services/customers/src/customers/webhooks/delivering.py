"""What is due is claimed, sent outside of any transaction, and noted; until it is taken or given up.

A claim is a lease: who dies in the middle leaves the row due again, so a receiver may hear twice, and
tells by `webhook-id`, which is the event's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import orjson
import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.settings import Settings
from customers.webhooks import endpoints, sending, signing
from customers.webhooks.fanning import authorization
from customers.webhooks.sending import Outcome
from shared import outbox
from shared.database import EVERYTHING, Database, uuid7
from shared.events import Wire
from shared.logs import logger
from shared.operations import SYSTEM

log = logger("webhooks")
# Standard Webhooks' schedule in seconds, after the first try at once: a bit more than three days.
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# An endpoint that has taken nothing for this long is nobody's any more.
DISABLED_AFTER_DAYS = 5
# Longer than a round of tries: 15 s each, as many at once as there are threads.
LEASE_SECONDS = 120
MOST, EACH, THREADS = 64, 16, 8
# An endpoint that failed rests for this long before anything else goes there, doubled each time.
REST_SECONDS, LONGEST_REST = 5, 600

_CLAIM = text(
    "WITH due AS (SELECT d.id FROM webhook_endpoint e CROSS JOIN LATERAL"
    " (SELECT id FROM webhook_delivery WHERE endpoint_id = e.id AND state = 'due'"
    "  AND due_at <= now() ORDER BY due_at LIMIT CASE WHEN e.failures > 0 THEN 1 ELSE :each END"
    "  FOR UPDATE SKIP LOCKED) AS d"
    " WHERE e.state = 'active' AND e.resting_until <= now() LIMIT :most)"
    " UPDATE webhook_delivery d SET attempts = attempts + 1, last_at = now(),"
    " due_at = now() + :lease * interval '1 second' FROM due, webhook_endpoint e"
    " WHERE d.id = due.id AND e.id = d.endpoint_id"
    f" RETURNING d.*, e.url, {endpoints.SIGNING}"
)
_TAKEN = text(
    "UPDATE webhook_delivery SET state = :state, last_status = :status, last_error = :error,"
    " attempts = attempts - :untried,"
    " due_at = coalesce(now() + CAST(:again AS float) * interval '1 second', due_at)"
    " WHERE id = :id AND state = 'due'"
)
_WELL = text(
    "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, resting_until = now()"
    " WHERE id = :id AND failures > 0"
)
_ILL = text(
    "UPDATE webhook_endpoint SET failures = failures + 1,"
    " failing_since = coalesce(failing_since, now()), resting_until = now() +"
    " least(:longest, :rest * power(2, least(failures, 20))) * interval '1 second' WHERE id = :id"
)
_DISABLE = text(
    "UPDATE webhook_endpoint SET state = 'disabled', version = version + 1, updated_at = now()"
    " WHERE id = :id AND state = 'active'"
    " AND (:gone OR failing_since <= now() - :days * interval '1 day')"
    " RETURNING *"
)


def deliver_due(database: Database, settings: Settings) -> int:
    """Send everything that is due, round by round; how many were tried."""
    tried = 0
    with ThreadPoolExecutor(THREADS, "webhook") as pool:
        while claimed := _claim(database):
            payloads = _payloads(database, settings, claimed)
            sent = pool.map(lambda one, told=payloads: _send(settings, one, told), claimed)
            for one, outcome in zip(claimed, sent, strict=True):
                with database.transaction() as session:
                    _note(session, one, outcome)
            tried += len(claimed)
    return tried


def _claim(database: Database) -> Sequence[Any]:
    with database.transaction() as session:
        return session.execute(_CLAIM, {"most": MOST, "each": EACH, "lease": LEASE_SECONDS}).all()


# ---------------------------------------------------------------- what is sent
def _payloads(
    database: Database, settings: Settings, claimed: Sequence[Any]
) -> Mapping[UUID, Wire | None]:
    """The events by id: None for one that is gone, nothing for one that nobody can tell of now."""
    found: dict[UUID, Wire | None] = {}
    own = [one.event_id for one in claimed if one.source == settings.service]
    if own:
        with database.transaction() as session:
            for event_id in own:
                found[event_id] = outbox.one(session, settings.service, event_id, EVERYTHING)
    for one in claimed:
        if one.source != settings.service:
            _ask(settings, one, found)
    return found


def _ask(settings: Settings, one: Any, found: dict[UUID, Wire | None]) -> None:
    place = f"{settings.urls[one.source]}/v1/events/{one.event_id}"
    try:
        answer = requests.get(place, headers=authorization(settings), timeout=(2, 10))
    except requests.RequestException:
        return
    if answer.status_code == 404:
        found[one.event_id] = None
    elif answer.ok:
        found[one.event_id] = answer.json()


GONE = Outcome(None, "the event was erased")
AWAY = Outcome(None, "the service that told of it is away")


def _send(settings: Settings, one: Any, payloads: Mapping[UUID, Wire | None]) -> Outcome:
    if one.event_id not in payloads:
        return AWAY
    event = payloads[one.event_id]
    if event is None:
        return GONE
    return send(settings, one.url, str(one.event_id), event, _keys(settings, one))


def _keys(settings: Settings, one: Any) -> list[str]:
    return endpoints.secrets_of(one, settings.secret_key)


def send(
    settings: Settings, url: str, message_id: str, event: Wire, keys: Sequence[str]
) -> Outcome:
    """A CloudEvents object, signed."""
    body = orjson.dumps(outbox.told_outside(event), default=str)
    headers = signing.headers(message_id, int(time.time()), body, keys)
    return sending.post(url, body, headers, private=settings.webhooks_private)


def ping(settings: Settings, row: Any) -> Outcome:
    """A message of the type `webhook.ping`, once, to try an endpoint."""
    message_id = str(uuid7())
    event = {
        "specversion": "1.0", "id": message_id, "source": "/customers", "type": "webhook.ping",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "datacontenttype": "application/json", "data": {},
    }  # fmt: skip
    return send(settings, row.url, message_id, event, _keys(settings, row))


# ---------------------------------------------------------------- what became of it
def _note(session: Session, one: Any, outcome: Outcome) -> None:
    # The order of locks is that of a change by an operator: the endpoint, then its deliveries.
    session.execute(
        text("SELECT id FROM webhook_endpoint WHERE id = :id FOR UPDATE"), {"id": one.endpoint_id}
    )
    again = SCHEDULE[one.attempts - 1] if one.attempts <= len(SCHEDULE) else None
    state = "due" if again is not None else "dead"
    if outcome is GONE or outcome.delivered:
        state, again = ("gone" if outcome is GONE else "delivered"), None
    elif outcome is AWAY:
        state, again = "due", SCHEDULE[0]
    session.execute(
        _TAKEN,
        {"id": one.id, "state": state, "status": outcome.status, "error": outcome.error,
         "again": again, "untried": int(outcome is AWAY)},
    )  # fmt: skip
    if outcome.delivered:
        session.execute(_WELL, {"id": one.endpoint_id})
    elif outcome is not GONE and outcome is not AWAY:
        _failed(session, one.endpoint_id, outcome)


def _failed(session: Session, endpoint_id: UUID, outcome: Outcome) -> None:
    session.execute(_ILL, {"id": endpoint_id, "rest": REST_SECONDS, "longest": LONGEST_REST})
    # 410: the receiver says that it will never take anything again (Standard Webhooks).
    disabled = session.execute(
        _DISABLE,
        {"id": endpoint_id, "gone": outcome.status == 410, "days": DISABLED_AFTER_DAYS},
    ).one_or_none()
    if disabled is not None:
        log.warning("webhooks.disabled", endpoint_id=str(endpoint_id))
        why = outcome.error or f"answered {outcome.status}"
        endpoints.log(
            session, SYSTEM, "webhook_endpoint.disabled", disabled, None,
            failing_since=disabled.failing_since, because=why,
        )  # fmt: skip


def replay(session: Session, endpoint_id: UUID, wish: Mapping[str, Any]) -> int:
    """Send again what is over, of the named state and time; how many."""
    done = session.execute(
        text(
            "UPDATE webhook_delivery SET state = 'due', attempts = 0, due_at = now()"
            " WHERE endpoint_id = :endpoint AND state = ANY(:states)"
            " AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids))"
            " AND (CAST(:from AS timestamptz) IS NULL OR occurred_at >= :from)"
            " AND (CAST(:to AS timestamptz) IS NULL OR occurred_at < :to)"
        ),
        {
            "endpoint": endpoint_id, "states": wish["states"], "ids": wish.get("ids"),
            "from": wish.get("from"), "to": wish.get("to"),
        },
    )  # fmt: skip
    return int(done.rowcount)  # type: ignore[attr-defined]


def forget_old(session: Session, days: int = 30) -> int:
    """For a tick: what was over a month ago."""
    gone = session.execute(
        text(
            "DELETE FROM webhook_delivery WHERE state <> 'due'"
            " AND last_at < now() - :days * interval '1 day'"
        ),
        {"days": days},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]
