"""What changed is told and logged: events, operations and the status history, each in one statement
for one customer or for five hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import TextClause, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from customers.domain import Customer
from customers.persistence import tables
from shared.database import uuid7
from shared.events import CustomerEvent, payload
from shared.operations import Actor, record_many
from shared.outbox import telling


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
    _save(session, [change.customer for change in changes])
    _publish(session, actor, changes)
    _log(session, actor, action, changes)
    _keep_statuses(session, actor, [change.customer for change in changes])


def _save(session: Session, customers: Sequence[Customer]) -> None:
    """What they changed, in one statement: what one of them changed is written for each.

    SQLAlchemy's own way is a statement a row, which takes twice as long. It is told that these columns
    are written, and writes what else has changed: an account, another operator, a new customer. Who has
    changed in nothing but columns is as written by a flush, so that it need not look at them again.
    """
    states = [inspect(one) for one in customers]
    kept = [state for state in states if state.persistent]
    changed = {name for state in kept for name in state.committed_state if name in _KINDS}
    if changed:
        names = sorted(changed)
        rows = [{name: state.dict[name] for name in ("id", *names)} for state in kept]
        with session.no_autoflush:
            session.execute(_update(tuple(names)), {"rows": _json(rows)})
        for state in kept:
            if changed.issuperset(state.committed_state):
                # Of SQLAlchemy's own: by what is public a chunk of 500 takes 14 ms of CPU
                # (make_transient_to_detached) or 19 (set_committed_value), not 4.
                state._commit_all(state.dict, session.identity_map)
            else:
                for name in changed.intersection(state.committed_state):
                    set_committed_value(state.object, name, state.dict[name])
    session.flush()


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_KINDS = {column.name: column.type.compile(_DIALECT) for column in tables.customer.columns}


@cache
def _update(names: tuple[str, ...]) -> TextClause:
    given = ", ".join(f"{name} {_KINDS[name]}" for name in ("id", *names))
    return text(
        f"UPDATE customer SET {', '.join(f'{name} = v.{name}' for name in names)}"
        f" FROM json_to_recordset(CAST(:rows AS json)) AS v({given}) WHERE customer.id = v.id"
    )


def _publish(session: Session, actor: Actor, changes: Sequence[Change]) -> None:
    told = [
        {
            "id": str(uuid7()),
            "type": event.type,
            "subject": event.subject,
            "sequence": event.sequence,
            "path": event.operator_path,
            "data": payload(event),
        }
        for event in (change.event for change in changes)
    ]
    session.execute(
        _PUBLISH, {"events": _json(told), "actor": actor.name, "request_id": actor.request_id}
    )


# One text for all rows: an array of texts is escaped letter by letter in Python, which takes as long as
# PostgreSQL takes for the rows.
_PUBLISH = telling(
    "INSERT INTO outbox (id, type, subject, sequence, operator_path, data, actor, request_id)"
    " SELECT e.*, :actor, :request_id FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS e(id uuid, type text, subject uuid, sequence bigint, path text, data jsonb)"
)


def _log(session: Session, actor: Actor, action: str, changes: Sequence[Change]) -> None:
    rows = [
        {
            "subject": change.customer.id,
            "operator_path": change.customer.operator_path,
            "before": change.before,
            "after": change.after,
            "reason": change.reason,
        }
        for change in changes
    ]
    record_many(
        session,
        actor,
        action,
        "customer",
        "SELECT * FROM jsonb_to_recordset(CAST(:changes AS jsonb))"
        " AS c(subject uuid, operator_path text, before jsonb, after jsonb, reason text)",
        {"changes": _json(rows)},
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


_KEEP_STATUSES = text(
    "INSERT INTO status_change (id, customer_id, status, reason, since, actor)"
    " SELECT n.id, n.customer_id, n.status, n.reason, n.since, :actor"
    " FROM jsonb_to_recordset(CAST(:statuses AS jsonb))"
    " AS n(id uuid, customer_id uuid, status text, reason text, since timestamptz)"
    " WHERE n.status IS DISTINCT FROM (SELECT s.status FROM status_change s"
    " WHERE s.customer_id = n.customer_id ORDER BY s.since DESC, s.id DESC LIMIT 1)"
)


def _keep_statuses(session: Session, actor: Actor, customers: Sequence[Customer]) -> None:
    """A line of history for each customer whose status is not the last one told."""
    statuses = [
        {
            "id": str(uuid7()),
            "customer_id": customer.id,
            "status": customer.status,
            "reason": customer.status_reason,
            "since": customer.status_since,
        }
        for customer in customers
    ]
    session.execute(_KEEP_STATUSES, {"actor": actor.name, "statuses": _json(statuses)})
