"""What is due of customers with a stored method: when it is tried, and what is tried now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

_DUE = text(
    "SELECT customer_id FROM payment_method WHERE state = 'active' AND next_charge_at <= now()"
    " ORDER BY next_charge_at LIMIT :most"
)


def customers_due(session: Session, most: int) -> list[UUID]:
    return list(session.scalars(_DUE, {"most": most}))


_UNPAID = "b.status IN ('open', 'partly_paid', 'overdue')"
# `wait`: until when nothing is tried, though something is due.
_TO_TRY = text(
    "SELECT m.id, m.customer_id, m.operator_path, m.gateway, m.next_charge_at, a.currency,"
    f" coalesce((SELECT sum(b.total - b.paid) FROM bill b WHERE b.customer_id = m.customer_id"
    f"  AND {_UNPAID} AND b.due_at <= now()), 0) AS due,"
    f" (SELECT min(b.due_at) FROM bill b WHERE b.customer_id = m.customer_id"
    f"  AND {_UNPAID} AND b.due_at > now()) AS next_due,"
    " f.auto_payment AND f.erased_at IS NULL AND f.standing NOT IN ('deleted', 'exported')"
    "  AND a.auto_payment_failures < f.retry_limit AS allowed,"
    " CASE WHEN a.promised_until > now() THEN a.promised_until"
    "  WHEN 'export' = ANY(f.holds) THEN now() + interval '1 day'"
    "  WHEN EXISTS (SELECT FROM payment_intent i WHERE i.method_id = m.id"
    "   AND i.state IN ('created', 'pending')) THEN now() + :under_way END AS wait"
    " FROM payment_method m JOIN account a ON a.customer_id = m.customer_id"
    " JOIN customer_fact f ON f.id = m.customer_id"
    " WHERE m.customer_id = ANY(:customers) AND m.state = 'active' AND m.next_charge_at <= now()"
    " ORDER BY m.customer_id FOR UPDATE OF m"
)


def to_try(session: Session, customers: Sequence[UUID], under_way: timedelta) -> list[Any]:
    """The methods to look at now, with what is due. The caller holds the accounts' locks."""
    return list(
        session.execute(
            _TO_TRY,
            {"customers": list(customers), "under_way": under_way},
        )
    )


_BEGIN = text(
    "INSERT INTO payment_intent (id, customer_id, operator_path, gateway, amount, currency,"
    " reference, request_key, created_by, expires_at, method_id)"
    " SELECT id, customer_id, operator_path, gateway, amount, currency, reference, request_key,"
    " 'system', now() + :lasting, method_id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g("
    " id uuid, customer_id uuid, operator_path text, gateway text, amount numeric, currency text,"
    " reference text, request_key text, method_id uuid)"
    " ON CONFLICT (request_key) DO NOTHING"
)


def begin(session: Session, rows: Sequence[Mapping[str, Any]], lasting: timedelta) -> None:
    """An intent for each attempt, to be carried out at once; one that was begun before is left."""
    given = orjson.dumps(rows, default=str).decode()
    session.execute(_BEGIN, {"rows": given, "lasting": lasting})


_NEXT = text(
    "UPDATE payment_method m SET next_charge_at = g.at"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:moments AS timestamptz[])) AS g(id, at)"
    " WHERE m.id = g.id"
)


def set_next(session: Session, moments: Mapping[UUID, datetime | None]) -> None:
    """By method: when it is looked at again; None: when another bill comes."""
    if moments:
        session.execute(_NEXT, {"ids": list(moments), "moments": list(moments.values())})


def due(session: Session, customer_id: UUID) -> Decimal:
    """What is unpaid of the bills whose day has come."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(b.total - b.paid), 0) FROM bill b"
            f" WHERE b.customer_id = :customer AND {_UNPAID} AND b.due_at <= now()"
        ),
        {"customer": customer_id},
    )
    return Decimal(found or 0)


_AGAIN = text(
    "UPDATE payment_method SET next_charge_at = now() + :after"
    " WHERE customer_id = :customer AND state = 'active'"
)
_BILLED = text(
    "UPDATE payment_method m SET next_charge_at = least(m.next_charge_at, b.due_at)"
    " FROM (SELECT customer_id, min(due_at) AS due_at FROM unnest(CAST(:customers AS uuid[]),"
    "  CAST(:due AS timestamptz[])) AS g(customer_id, due_at) GROUP BY 1) b"
    " WHERE m.customer_id = b.customer_id AND m.state = 'active'"
)
_ALLOWED = text(
    "UPDATE payment_method m SET next_charge_at = now() FROM customer_fact f"
    " WHERE f.id = m.customer_id AND f.auto_payment AND m.state = 'active'"
    " AND m.next_charge_at IS NULL AND f.id = ANY(:customers)"
)


def try_again(session: Session, customer_id: UUID, after: timedelta) -> None:
    session.execute(_AGAIN, {"customer": customer_id, "after": after})


def billed(session: Session, customers: Sequence[UUID], due_at: Sequence[datetime]) -> None:
    """Bills were issued: they are charged on the day on which they are due."""
    session.execute(_BILLED, {"customers": list(customers), "due": list(due_at)})


def allowed(session: Session, customers: Sequence[UUID]) -> None:
    """Something was told of these customers: who pays automatically now may owe something."""
    session.execute(_ALLOWED, {"customers": list(customers)})
