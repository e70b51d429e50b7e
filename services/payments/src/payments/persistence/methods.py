"""Stored methods: written once per Idempotency-Key, leased to whoever asks the gateway next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from payments.persistence.gateway_tables import payment_method
from payments.persistence.leasing import LEASE, Asked
from payments.persistence.tables import customer_fact
from shared.database import Scope

OPEN = ("created", "pending")
_ROWS = Asked("payment_method", OPEN)
find, locked, of_request = _ROWS.find, _ROWS.locked, _ROWS.of_request
lease_due, lease_one, opened = _ROWS.lease_due, _ROWS.lease_one, _ROWS.opened

_INSERT = text(
    "INSERT INTO payment_method (id, customer_id, operator_path, gateway, reference, return_url,"
    " request_key, created_by, expires_at, next_check_at)"
    " SELECT :id, :customer_id, :operator_path, :gateway, :reference, :return_url, :request_key,"
    " :created_by, now() + :lasting, now() + :lease"
    " ON CONFLICT (request_key) DO NOTHING RETURNING *"
)


def insert(session: Session, row: Mapping[str, Any], lasting: timedelta) -> Any:
    """The new row, leased to the caller; None when its request has one already."""
    return session.execute(_INSERT, {**row, "lasting": lasting, "lease": LEASE}).one_or_none()


def by_session(session: Session, gateway: str, gateway_session: str | None) -> Any:
    return session.execute(
        text(
            "SELECT * FROM payment_method WHERE gateway = :gateway AND gateway_session = :session"
        ),
        {"gateway": gateway, "session": gateway_session},
    ).one_or_none()


def ask_again(
    session: Session, method_id: UUID, after: timedelta, failure: str | None = None
) -> None:
    session.execute(
        text(
            "UPDATE payment_method SET next_check_at = now() + :after, failure = :failure"
            " WHERE id = :id"
        ),
        {"id": method_id, "after": after, "failure": failure},
    )


def ask_soon(session: Session, method_id: UUID) -> None:
    session.execute(
        text(
            "UPDATE payment_method SET next_check_at = now() WHERE id = :id"
            " AND state IN ('created', 'pending')"
        ),
        {"id": method_id},
    )


def fail(session: Session, method_id: UUID, failure: str | None) -> None:
    """Nothing was stored; what the gateway knows of the payer is to be forgotten."""
    session.execute(
        text(
            "UPDATE payment_method SET state = 'failed', failure = :failure, finished_at = now(),"
            " redirect_url = NULL, version = version + 1,"
            " next_check_at = CASE WHEN payer IS NOT NULL THEN now() END"
            " WHERE id = :id"
        ),
        {"id": method_id, "failure": failure},
    )


def activate(
    session: Session, method_id: UUID, payer: str | None, token: str | None, label: str | None
) -> None:
    """Charged from now on, what is due already at once."""
    session.execute(
        text(
            "UPDATE payment_method SET state = 'active', payer = :payer, token = :token,"
            " label = :label, failure = NULL, redirect_url = NULL, finished_at = now(),"
            " next_check_at = NULL, next_charge_at = now(), version = version + 1 WHERE id = :id"
        ),
        {"id": method_id, "payer": payer, "token": token, "label": label},
    )


_REMOVE = text(
    "UPDATE payment_method SET state = 'removing', finished_at = now(), redirect_url = NULL,"
    " next_check_at = now(), next_charge_at = NULL, checks = 0, version = version + 1"
    " WHERE customer_id = :customer AND (id = :id OR CAST(:id AS uuid) IS NULL)"
    " AND state IN ('created', 'pending', 'active')"
    " AND (state = 'active' OR CAST(:id AS uuid) IS NOT NULL) RETURNING id"
)


def remove(session: Session, customer_id: UUID, method_id: UUID | None = None) -> list[UUID]:
    """No charge by it from here on, and the gateway is told next; without an id the active one."""
    return list(session.scalars(_REMOVE, {"customer": customer_id, "id": method_id}))


def too_late(session: Session, method_id: UUID, payer: str | None, token: str | None) -> bool:
    """The payer agreed to what was removed meanwhile: it is to be forgotten; False without a row."""
    done = session.execute(
        text(
            "UPDATE payment_method SET state = 'removing', payer = :payer, token = :token,"
            " next_check_at = now(), version = version + 1 WHERE id = :id"
            " AND state IN ('failed', 'removing', 'removed')"
        ),
        {"id": method_id, "payer": payer, "token": token},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


# While a charge by it is under way, its outcome is found by these names.
_UNDER_WAY = text(
    "SELECT EXISTS (SELECT FROM payment_intent WHERE method_id = :id"
    " AND state IN ('created', 'pending'))"
)
_FORGOTTEN = text(
    "UPDATE payment_method SET payer = NULL, token = NULL, gateway_session = NULL,"
    " state = CASE state WHEN 'failed' THEN state ELSE 'removed' END,"
    " failure = CASE state WHEN 'failed' THEN failure END,"
    " next_check_at = NULL, version = version + 1 WHERE id = :id"
)


def charge_under_way(session: Session, method_id: UUID) -> bool:
    return bool(session.scalar(_UNDER_WAY, {"id": method_id}))


def forgotten(session: Session, method_id: UUID) -> None:
    """The gateway has forgotten it; an erased customer's row goes too."""
    gone = session.execute(
        text("DELETE FROM payment_method WHERE id = :id AND customer_id IS NULL"), {"id": method_id}
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        session.execute(_FORGOTTEN, {"id": method_id})


def _base() -> Select[Any]:
    return select(
        *payment_method.c,
        customer_fact.c.name.label("customer_name"),
        customer_fact.c.username.label("username"),
    ).join_from(payment_method, customer_fact, customer_fact.c.id == payment_method.c.customer_id)


def detail(session: Session, method_id: UUID) -> Any:
    """With the customer's name; None outside the caller's branch."""
    return session.execute(_base().where(payment_method.c.id == method_id)).one_or_none()


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = _base().where(scope.covers(payment_method.c.operator_path))
    for name in ("state", "gateway", "customer_id"):
        if filters.get(name) is not None:
            query = query.where(payment_method.c[name] == filters[name])
    return query


# Both sides stay: the receipt names the rows, and what the gateway still keeps has to go there too.
_ERASE = text(
    "UPDATE payment_method m SET customer_id = NULL, operator_path = '', label = NULL,"
    " return_url = NULL, redirect_url = NULL, request_key = NULL, failure = NULL,"
    " reference = 'erased:' || m.id, state = 'removing', next_check_at = now(), checks = 0,"
    " next_charge_at = NULL, version = m.version + 1"
    " FROM unnest(CAST(:ids AS uuid[])) AS e(id) WHERE m.customer_id = e.id"
    " RETURNING e.id AS customer, m.id::text AS key"
)


def erase(session: Session, ids: Sequence[UUID]) -> list[tuple[str, UUID, str]]:
    """What is kept at gateways is forgotten there next, and then the row goes."""
    rows = session.execute(_ERASE, {"ids": list(ids)})
    return [("payment_method", row.customer, row.key) for row in rows]
