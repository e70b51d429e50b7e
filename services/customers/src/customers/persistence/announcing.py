"""What changed is told and logged: events, operations and the status history, each in one statement
for one customer or for five hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Customer
from shared.database import uuid7
from shared.events import CustomerEvent, payload
from shared.operations import Actor, record_many


@dataclass(frozen=True)
class Change:
    """A customer as it is now, the event that tells of it, and what the log says."""

    customer: Customer
    event: CustomerEvent
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


def announce(session: Session, actor: Actor, action: str, changes: Sequence[Change]) -> None:
    """Write out what `changes` did, in the caller's transaction."""
    if not changes:
        return
    session.flush()
    _publish(session, actor, changes)
    _log(session, actor, action, changes)
    _keep_statuses(session, actor, [change.customer for change in changes])


def _publish(session: Session, actor: Actor, changes: Sequence[Change]) -> None:
    events = [change.event for change in changes]
    session.execute(
        _PUBLISH,
        {
            "ids": [str(uuid7()) for _ in events],
            "types": [event.type for event in events],
            "subjects": [event.subject for event in events],
            "sequences": [event.sequence for event in events],
            "paths": [event.operator_path for event in events],
            "data": [orjson.dumps(payload(event), default=str).decode() for event in events],
            "actor": actor.name,
            "request_id": actor.request_id,
        },
    )


_PUBLISH = text(
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, data, actor, request_id)"
    " SELECT e.*, :actor, :request_id FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]),"
    " CAST(:subjects AS uuid[]), CAST(:sequences AS bigint[]), CAST(:paths AS text[]),"
    " CAST(:data AS jsonb[])) AS e"
)


def _log(session: Session, actor: Actor, action: str, changes: Sequence[Change]) -> None:
    record_many(
        session,
        actor,
        action,
        "customer",
        "SELECT * FROM unnest(CAST(:subjects AS uuid[]), CAST(:paths AS text[]),"
        " CAST(:befores AS jsonb[]), CAST(:afters AS jsonb[]), CAST(:reasons AS text[]))"
        " AS c(subject, operator_path, before, after, reason)",
        {
            "subjects": [change.customer.id for change in changes],
            "paths": [change.customer.operator_path for change in changes],
            "befores": [_json(change.before) for change in changes],
            "afters": [_json(change.after) for change in changes],
            "reasons": [change.reason for change in changes],
        },
    )


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def _keep_statuses(session: Session, actor: Actor, customers: Sequence[Customer]) -> None:
    """A line of history for each customer whose status is not the last one told."""
    session.execute(
        text(
            "INSERT INTO status_change (id, customer_id, status, reason, since, actor)"
            " SELECT n.id, n.customer_id, n.status, n.reason, n.since, :actor"
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]),"
            " CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:sinces AS timestamptz[]))"
            " AS n(id, customer_id, status, reason, since)"
            " WHERE n.status IS DISTINCT FROM (SELECT s.status FROM status_change s"
            " WHERE s.customer_id = n.customer_id ORDER BY s.since DESC, s.id DESC LIMIT 1)"
        ),
        {
            "actor": actor.name,
            "ids": [str(uuid7()) for _ in customers],
            "customers": [customer.id for customer in customers],
            "statuses": [customer.status for customer in customers],
            "reasons": [customer.status_reason for customer in customers],
            "sinces": [customer.status_since for customer in customers],
        },
    )
