"""Money that is to go back through its gateway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.persistence import leasing
from payments.persistence.gateway_tables import gateway_refund
from payments.persistence.tables import customer_fact
from shared.database import Scope

_INSERT = text(
    "INSERT INTO gateway_refund (id, gateway, transaction, gateway_session, payment_id, review_id,"
    " customer_id, operator_path, amount, currency, reason, requested_by) VALUES (:id, :gateway,"
    " :transaction, (SELECT i.gateway_session FROM gateway_transaction t JOIN payment_intent i"
    " ON i.id = t.intent_id WHERE t.gateway = :gateway AND t.transaction = :transaction),"
    " :payment_id, :review_id, :customer_id, :operator_path, :amount, :currency, :reason, :by)"
)


def insert(session: Session, row: Mapping[str, Any]) -> UUID:
    refund_id = uuid7()
    session.execute(
        _INSERT, {"id": refund_id, "payment_id": None, "review_id": None, "reason": None, **row}
    )
    return refund_id


_LEASE_DUE = leasing.due("gateway_refund", "next_at", "attempts")


def lease_due(session: Session, gateway: str, most: int) -> list[Any]:
    return leasing.take(session, _LEASE_DUE, gateway, most)


def locked(session: Session, refund_id: UUID) -> Any:
    """The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM gateway_refund WHERE id = :id FOR UPDATE"), {"id": refund_id}
    ).one_or_none()


def conclude(
    session: Session,
    refund_id: UUID,
    state: str,
    reference: str | None,
    error: str | None,
    digest: str | None,
) -> None:
    """`digest` takes the transaction's place when its customer was erased meanwhile."""
    session.execute(
        text(
            "UPDATE gateway_refund SET state = :state, error = :error, finished_at = now(),"
            " gateway_reference = coalesce(:reference, gateway_reference), next_at = NULL,"
            " gateway_session = NULL, transaction = coalesce(:digest, transaction),"
            " version = version + 1 WHERE id = :id"
        ),
        {
            "id": refund_id,
            "state": state,
            "reference": reference,
            "error": error,
            "digest": digest,
        },
    )


def later(
    session: Session, refund_id: UUID, after: timedelta, reference: str | None, error: str | None
) -> None:
    session.execute(
        text(
            "UPDATE gateway_refund SET next_at = now() + :after, error = :error,"
            " gateway_reference = coalesce(:reference, gateway_reference),"
            " version = version + 1 WHERE id = :id"
        ),
        {"id": refund_id, "after": after, "reference": reference, "error": error},
    )


def listed(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = (
        select(
            *gateway_refund.c,
            customer_fact.c.name.label("customer_name"),
            customer_fact.c.username.label("username"),
        )
        .join_from(
            gateway_refund,
            customer_fact,
            customer_fact.c.id == gateway_refund.c.customer_id,
            isouter=True,
        )
        .where(scope.covers(gateway_refund.c.operator_path))
    )
    for name in ("state", "gateway", "customer_id", "payment_id"):
        if filters.get(name) is not None:
            query = query.where(gateway_refund.c[name] == filters[name])
    return query
