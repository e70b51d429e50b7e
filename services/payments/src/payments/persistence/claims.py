"""The claim of a gateway's transaction, and the queue of money that somebody has to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from payments.persistence.gateway_tables import payment_review
from payments.persistence.tables import customer_fact
from shared.database import Scope

# `:digest` is what stands for the transaction once its customer was erased.
_CLAIM = text(
    "INSERT INTO gateway_transaction (gateway, transaction, amount, currency, source, received_at)"
    " SELECT :gateway, :transaction, :amount, :currency, :source, :received_at"
    " WHERE NOT EXISTS (SELECT FROM gateway_transaction WHERE gateway = :gateway"
    " AND transaction = :digest) ON CONFLICT (gateway, transaction) DO NOTHING RETURNING true"
)


def claim(session: Session, row: Mapping[str, Any]) -> bool:
    """True for the one caller who deals with this transaction. A twin waits here for its commit."""
    return bool(session.scalar(_CLAIM, row))


def claimed(session: Session, gateway: str, transactions: Sequence[str]) -> Any:
    return session.execute(
        text(
            "SELECT t.*, r.id AS review_id, r.state AS review_state FROM gateway_transaction t"
            " LEFT JOIN payment_review r ON r.gateway = t.gateway AND r.transaction = t.transaction"
            " WHERE t.gateway = :gateway AND t.transaction = ANY(:transactions)"
        ),
        {"gateway": gateway, "transactions": list(transactions)},
    ).one_or_none()


def of_payment(session: Session, payment_id: UUID) -> Any:
    """The transaction by which a payment came through its gateway; None for one recorded by hand."""
    return session.execute(
        text(
            "SELECT * FROM gateway_transaction WHERE payment_id = :id AND credited_at IS NOT NULL"
        ),
        {"id": payment_id},
    ).one_or_none()


_BELONGS = text(
    "UPDATE gateway_transaction SET customer_id = :customer, operator_path = :path,"
    " intent_id = coalesce(:intent, intent_id), payment_id = :payment, lifts = :lifts,"
    " credited_at = CASE WHEN CAST(:payment AS uuid) IS NULL THEN NULL ELSE clock_timestamp() END,"
    " next_look_at = CASE WHEN CAST(:payment AS uuid) IS NULL THEN NULL"
    " ELSE now() + interval '1 day' END"
    " WHERE gateway = :gateway AND transaction = :transaction"
)


def belongs(
    session: Session,
    gateway: str,
    transaction: str,
    *,
    customer_id: UUID | None,
    path: str,
    intent_id: UUID | None,
    payment_id: UUID | None,
    lifts: bool = False,
) -> None:
    """Say whose the transaction is, by which payment it was credited, and if that settled a debt."""
    session.execute(
        _BELONGS,
        {
            "gateway": gateway,
            "transaction": transaction,
            "customer": customer_id,
            "path": path,
            "intent": intent_id,
            "payment": payment_id,
            "lifts": lifts,
        },
    )


def booked(session: Session, method: str, transactions: Sequence[str]) -> Any:
    """The payment that somebody recorded by hand with this transaction, or an erased customer's."""
    return session.execute(
        text(
            "SELECT * FROM payment WHERE method = :method AND status <> 'voided'"
            " AND transaction_reference = ANY(:transactions)"
        ),
        {"method": method, "transactions": list(transactions)},
    ).one_or_none()


def settled_at(session: Session, payment_id: UUID, at: datetime) -> None:
    """The gateway has paid it out to us."""
    session.execute(
        text(
            "UPDATE payment SET settled_at = :at, version = version + 1"
            " WHERE id = :id AND settled_at IS NULL"
        ),
        {"id": payment_id, "at": at},
    )


# ---------------------------------------------------------------- the queue
_REVIEW = text(
    "INSERT INTO payment_review (id, gateway, transaction, intent_id, customer_id, operator_path,"
    " amount, currency, expected_amount, expected_currency, paid_at, cause)"
    " VALUES (:id, :gateway, :transaction, :intent_id, :customer_id, :operator_path, :amount,"
    " :currency, :expected_amount, :expected_currency, :paid_at, :cause)"
)


def open_review(session: Session, row: Mapping[str, Any]) -> UUID:
    review_id = uuid7()
    session.execute(_REVIEW, {"id": review_id, **row})
    return review_id


def _base() -> Select[Any]:
    return select(
        *payment_review.c,
        customer_fact.c.name.label("customer_name"),
        customer_fact.c.username.label("username"),
    ).join_from(
        payment_review,
        customer_fact,
        customer_fact.c.id == payment_review.c.customer_id,
        isouter=True,
    )


def review(session: Session, review_id: UUID) -> Any:
    """With the customer's name; None outside the caller's branch."""
    return session.execute(_base().where(payment_review.c.id == review_id)).one_or_none()


def locked_review(session: Session, review_id: UUID) -> Any:
    """The caller locks the account first."""
    return session.execute(
        text("SELECT * FROM payment_review WHERE id = :id FOR UPDATE"), {"id": review_id}
    ).one_or_none()


def decide(
    session: Session,
    review_id: UUID,
    state: str,
    by: str,
    reason: str,
    payment: Any = None,
) -> None:
    """`payment`: that by which the money was credited; the row goes to its customer's branch."""
    session.execute(
        text(
            "UPDATE payment_review SET state = :state, decided_at = now(), decided_by = :by,"
            " decision_reason = :reason, payment_id = coalesce(:payment, payment_id), version = version + 1,"
            " customer_id = coalesce(:customer, customer_id),"
            " operator_path = coalesce(:path, operator_path) WHERE id = :id"
        ),
        {
            "id": review_id,
            "state": state,
            "by": by,
            "reason": reason,
            "payment": payment.id if payment is not None else None,
            "customer": payment.customer_id if payment is not None else None,
            "path": payment.operator_path if payment is not None else None,
        },
    )


def reviews(scope: Scope, filters: Mapping[str, Any]) -> Select[Any]:
    query = _base().where(scope.covers(payment_review.c.operator_path))
    for name in ("state", "gateway", "customer_id", "cause"):
        if filters.get(name) is not None:
            query = query.where(payment_review.c[name] == filters[name])
    return query


_SPEED = text(
    "SELECT gateway, count(*) AS payments, percentile_cont(:shares) WITHIN GROUP (ORDER BY"
    " extract(epoch FROM credited_at - received_at)) AS to_books,"
    " count(*) FILTER (WHERE lifts) AS lifted, count(online_at) AS online,"
    " percentile_cont(:shares) WITHIN GROUP (ORDER BY extract(epoch FROM online_at - received_at))"
    " FILTER (WHERE online_at IS NOT NULL) AS to_internet"
    " FROM gateway_transaction WHERE credited_at >= :from AND credited_at < :to"
    " AND operator_path >= :low AND operator_path < :high GROUP BY GROUPING SETS ((gateway), ())"
    " ORDER BY gateway NULLS FIRST"
)


def speed(session: Session, scope: Scope, begin: datetime, end: datetime) -> list[Any]:
    """From the gateway's word to the books, and to the internet where a debt was settled: the seconds
    of half, 95 % and 99 % of the payments; the first row is of all gateways."""
    low, high = ("", "~") if scope.path is None else (scope.path, scope.end)
    given = {"from": begin, "to": end, "low": low, "high": high, "shares": [0.5, 0.95, 0.99]}
    return list(session.execute(_SPEED, given))
