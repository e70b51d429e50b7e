"""Payment intents: written once per Idempotency-Key, leased to whoever asks the gateway next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from payments.persistence.gateway_tables import payment_intent
from payments.persistence.leasing import LEASE, Asked
from payments.persistence.tables import customer_fact
from shared.database import Scope

OPEN = ("created", "pending")
_ROWS = Asked("payment_intent", (*OPEN, "failed", "expired"))
find, locked, of_request = _ROWS.find, _ROWS.locked, _ROWS.of_request
lease_due, lease_one, opened = _ROWS.lease_due, _ROWS.lease_one, _ROWS.opened

_INSERT = text(
    "INSERT INTO payment_intent (id, customer_id, operator_path, gateway, amount, currency,"
    " reference, return_url, request_key, created_by, expires_at, next_check_at)"
    " SELECT :id, :customer_id, :operator_path, :gateway, :amount, :currency, :reference,"
    " :return_url, :request_key, :created_by, now() + :lasting, now() + :lease"
    " ON CONFLICT (request_key) DO NOTHING RETURNING *"
)


def insert(session: Session, row: Mapping[str, Any], lasting: timedelta) -> Any:
    """The new row, leased to the caller; None when its request has one already."""
    return session.execute(_INSERT, {**row, "lasting": lasting, "lease": LEASE}).one_or_none()


def by_reference(session: Session, gateway: str, references: Sequence[str]) -> Any:
    """The intent with one of these references, whosever it is."""
    return session.execute(
        text(
            "SELECT * FROM payment_intent WHERE reference = ANY(:references) AND gateway = :gateway"
        ),
        {"references": list(references), "gateway": gateway},
    ).one_or_none()


def by_session(session: Session, gateway: str, gateway_session: str) -> Any:
    return session.execute(
        text(
            "SELECT * FROM payment_intent WHERE gateway = :gateway"
            " AND gateway_session = :session ORDER BY created_at LIMIT 1"
        ),
        {"gateway": gateway, "session": gateway_session},
    ).one_or_none()


def ask_again(
    session: Session, intent_id: UUID, after: timedelta | None, failure: str | None
) -> None:
    """When the gateway is asked next, None for never; `failure` is why the last answer was none."""
    session.execute(
        text(
            "UPDATE payment_intent SET next_check_at = now() + CAST(:after AS interval),"
            " failure = :failure WHERE id = :id"
        ),
        {"id": intent_id, "after": after, "failure": failure},
    )


def ask_soon(session: Session, intent_id: UUID, after: timedelta) -> bool:
    """Somebody says that it was paid: look, unless a look is due or under way."""
    done = session.execute(
        text(
            "UPDATE payment_intent SET next_check_at = now() + :after WHERE id = :id"
            " AND state <> 'succeeded' AND (next_check_at IS NULL OR next_check_at > now() + :after)"
        ),
        {"id": intent_id, "after": after},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def conclude(
    session: Session,
    intent_id: UUID,
    state: str,
    *,
    payment_id: UUID | None = None,
    failure: str | None = None,
    after: timedelta | None = None,
) -> None:
    """The end, as far as is known; `after`: a late look for money that nobody tells of."""
    session.execute(
        text(
            "UPDATE payment_intent SET state = :state, payment_id = :payment, failure = :failure,"
            " finished_at = now(), next_check_at = now() + CAST(:after AS interval),"
            " version = version + 1 WHERE id = :id"
        ),
        {
            "id": intent_id,
            "state": state,
            "payment": payment_id,
            "failure": failure,
            "after": after,
        },
    )


def _base() -> Select[Any]:
    return select(
        *payment_intent.c,
        customer_fact.c.name.label("customer_name"),
        customer_fact.c.username.label("username"),
    ).join_from(payment_intent, customer_fact, customer_fact.c.id == payment_intent.c.customer_id)


def detail(session: Session, intent_id: UUID) -> Any:
    """With the customer's name; None outside the caller's branch."""
    return session.execute(_base().where(payment_intent.c.id == intent_id)).one_or_none()


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = _base().where(scope.covers(payment_intent.c.operator_path))
    for name in ("state", "gateway", "customer_id"):
        if filters.get(name) is not None:
            query = query.where(payment_intent.c[name] == filters[name])
    return query
