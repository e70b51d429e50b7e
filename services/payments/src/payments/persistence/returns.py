"""Which transactions are asked about for money that left at the gateway, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

# Refunds come soon, disputes within two months; what comes later, webhooks and settlement files tell.
LOOKS = "ARRAY[interval '1 day', interval '7 days', interval '30 days', interval '60 days']"
# After an answer that did not come.
AGAIN = timedelta(hours=1)

_LEASE = text(
    "UPDATE gateway_transaction t SET next_look_at = now() + :again FROM (SELECT gateway, transaction"
    " FROM gateway_transaction WHERE gateway = :gateway AND next_look_at <= now()"
    " ORDER BY next_look_at LIMIT :most FOR UPDATE SKIP LOCKED) due"
    " WHERE t.gateway = due.gateway AND t.transaction = due.transaction"
    " RETURNING t.transaction AS id, t.transaction, t.gateway,"
    " (SELECT i.gateway_session FROM payment_intent i WHERE i.id = t.intent_id) AS gateway_session,"
    " (SELECT i.reference FROM payment_intent i WHERE i.id = t.intent_id) AS reference"
)
_LOOKED = text(
    "UPDATE gateway_transaction SET looks = looks + 1,"
    f" next_look_at = credited_at + ({LOOKS})[looks + 2]"
    " WHERE gateway = :gateway AND transaction = :transaction"
)
_LOOK_NOW = text(
    "UPDATE gateway_transaction SET next_look_at = now()"
    " WHERE gateway = :gateway AND transaction = :transaction AND payment_id IS NOT NULL"
)


def lease_due(session: Session, gateway: str, most: int) -> list[Any]:
    given = {"gateway": gateway, "most": most, "again": AGAIN}
    return list(session.execute(_LEASE, given))


def looked(session: Session, gateway: str, transaction: str) -> None:
    """The gateway has answered: when it is asked next, if ever."""
    session.execute(_LOOKED, {"gateway": gateway, "transaction": transaction})


def look_now(session: Session, gateway: str, transaction: str) -> None:
    session.execute(_LOOK_NOW, {"gateway": gateway, "transaction": transaction})


def named(session: Session, gateway: str, reference: str, other_than: UUID | None = None) -> Any:
    """The refund that the gateway calls so, locked; failed ones do not count."""
    return session.execute(
        text(
            "SELECT * FROM gateway_refund WHERE gateway = :gateway AND state <> 'failed'"
            " AND gateway_reference = :reference AND id IS DISTINCT FROM CAST(:other AS uuid)"
            " FOR UPDATE"
        ),
        {"gateway": gateway, "reference": reference, "other": other_than},
    ).one_or_none()


def under_way(session: Session, payment_id: UUID, amount: Decimal) -> bool:
    """Whether we ourselves are giving this much of it back and do not know its name yet."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM gateway_refund WHERE payment_id = :payment"
                " AND state = 'refund_pending' AND gateway_reference IS NULL AND amount = :amount)"
            ),
            {"payment": payment_id, "amount": amount},
        )
    )


def through_gateway(session: Session, payment_id: UUID) -> Decimal:
    """What was or is being given back of a payment through its gateway."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(amount), 0) FROM gateway_refund WHERE payment_id = :payment"
            " AND state <> 'failed'"
        ),
        {"payment": payment_id},
    )
    return Decimal(found or 0)


def refunded(session: Session, payment_id: UUID) -> Decimal:
    """What the books say was given back of a payment, through its gateway or not."""
    found = session.scalar(
        text("SELECT refunded FROM payment WHERE id = :payment"), {"payment": payment_id}
    )
    return Decimal(found or 0)


_DONE = text(
    "INSERT INTO gateway_refund (id, gateway, transaction, payment_id, review_id, customer_id,"
    " operator_path, amount, currency, state, gateway_reference, requested_by, finished_at, next_at)"
    " VALUES (:id, :gateway, :transaction, :payment_id, :review_id, :customer_id, :operator_path,"
    " :amount, :currency, 'refunded', :reference, :by, now(), NULL)"
)


def add_done(session: Session, row: Mapping[str, Any]) -> None:
    """A refund that was begun at the gateway and is over."""
    session.execute(_DONE, {"id": uuid7(), "payment_id": None, "review_id": None, **row})


def review_of(session: Session, gateway: str, reference: str) -> Any:
    """The review of this refund or dispute, or of this transaction; locked."""
    return session.execute(
        text(
            "SELECT * FROM payment_review WHERE gateway = :gateway AND transaction = :reference"
            " FOR UPDATE"
        ),
        {"gateway": gateway, "reference": reference},
    ).one_or_none()


_REVIEW = text(
    "INSERT INTO payment_review (id, gateway, transaction, intent_id, customer_id, operator_path,"
    " amount, currency, expected_amount, expected_currency, paid_at, cause, payment_id) VALUES"
    " (:id, :gateway, :transaction, :intent_id, :customer_id, :operator_path, :amount, :currency,"
    " :expected_amount, :currency, now(), :cause, :payment_id)"
    " ON CONFLICT (gateway, transaction) DO NOTHING RETURNING id"
)


def open_review(session: Session, row: Mapping[str, Any]) -> UUID | None:
    """None when there is one already, open or decided."""
    found: UUID | None = session.scalar(_REVIEW, {"id": uuid7(), **row})
    return found
