"""The ledger: add balanced transactions, match money to bills, take a match back. Never an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from shared.arrays import array


@dataclass(frozen=True)
class Entry:
    """Debit is positive. `holder` and `method` name a cash account."""

    account: str
    amount: Decimal
    holder: UUID | None = None
    method: str | None = None


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One ledger transaction: its entries add up to zero, or the database refuses the commit."""

    kind: str
    customer_id: UUID
    currency: str
    effective_at: datetime
    entries: tuple[Entry, ...]
    bill_id: UUID | None = None
    payment_id: UUID | None = None
    credit_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)


_POST = text(
    "WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(id uuid,"
    " customer_id uuid, kind text, bill_id uuid, payment_id uuid, credit_id uuid, currency text,"
    " effective_at timestamptz, entries jsonb)),"
    " written AS (INSERT INTO ledger_transaction (id, customer_id, kind, bill_id, payment_id,"
    " credit_id, currency, actor_id, effective_at) SELECT id, customer_id, kind, bill_id,"
    " payment_id, credit_id, currency, :actor, effective_at FROM given)"
    " INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount, holder, method,"
    " taxed_at)"
    " SELECT g.id, e.line, g.customer_id, e.entry->>'account', CAST(e.entry->>'amount' AS numeric),"
    " CAST(e.entry->>'holder' AS uuid), e.entry->>'method',"
    # The transaction's own time, beside what a declaration adds up.
    " CASE WHEN e.entry->>'account' = 'tax' THEN now() END"
    " FROM given g, jsonb_array_elements(g.entries) WITH ORDINALITY AS e(entry, line)"
)


def post(session: Session, postings: Sequence[Posting], actor_id: UUID | None) -> None:
    """Add transactions, all in one statement."""
    if postings:
        rows = orjson.dumps(postings, default=str).decode()
        session.execute(_POST, {"rows": rows, "actor": actor_id})


# Both sides are laid end to end, oldest first; where a payment's stretch and a bill's overlap, that
# much of the payment pays that bill. So one statement serves one customer and five hundred. Credits
# (adjustments, credit notes, write-offs) are matched as payments are. Payments just received are
# written here too, with what they pay: no row has more indexes, and a second version of it would be
# written to all of them.
_SETTLE = text(
    "WITH given AS MATERIALIZED (SELECT *, gen_random_uuid() AS posting"
    " FROM jsonb_to_recordset(CAST(:received AS jsonb)) AS g(id uuid, customer_id uuid,"
    " operator_path text, amount numeric, currency text, method text, gateway text,"
    " transaction_reference text, note text, recorded_at timestamptz, paid_at timestamptz,"
    " settled_at timestamptz, operator_id uuid, operator_name text, receipt_number text)),"
    " money AS (SELECT customer_id, id, received, sum(rest) OVER w - rest AS low,"
    " sum(rest) OVER w AS high FROM (SELECT customer_id, id, true AS received, recorded_at AS at,"
    " amount - refunded - allocated AS rest FROM payment WHERE customer_id = ANY(CAST(:customers AS uuid[]))"
    " AND status <> 'voided' AND amount - refunded - allocated > 0"
    " UNION ALL SELECT customer_id, id, true, recorded_at, amount FROM given"
    " UNION ALL SELECT customer_id, id, false, created_at, amount - reversed - allocated"
    " FROM credit WHERE customer_id = ANY(CAST(:customers AS uuid[]))"
    " AND amount - reversed - allocated > 0) p"
    " WINDOW w AS (PARTITION BY customer_id ORDER BY at, id)),"
    " due AS (SELECT customer_id, id, sum(rest) OVER w - rest AS low, sum(rest) OVER w AS high"
    " FROM (SELECT customer_id, id, due_at, total - paid AS rest FROM bill"
    " WHERE customer_id = ANY(CAST(:customers AS uuid[])) AND status IN ('open', 'partly_paid', 'overdue')) b"
    " WINDOW w AS (PARTITION BY customer_id ORDER BY due_at, id)),"
    " matched AS MATERIALIZED (SELECT m.customer_id, m.received, m.id, d.id AS bill_id,"
    " least(m.high, d.high) - greatest(m.low, d.low) AS amount FROM money m"
    " JOIN due d ON d.customer_id = m.customer_id AND m.low < d.high AND d.low < m.high),"
    " taken AS (INSERT INTO payment (id, customer_id, operator_path, amount, allocated, currency,"
    " method, gateway, transaction_reference, note, recorded_at, paid_at, settled_at, operator_id,"
    " operator_name, receipt_number) SELECT g.id, g.customer_id, g.operator_path, g.amount,"
    " coalesce(m.amount, 0), g.currency, g.method, g.gateway, g.transaction_reference, g.note,"
    " g.recorded_at, g.paid_at, g.settled_at, g.operator_id, g.operator_name, g.receipt_number"
    " FROM given g LEFT JOIN (SELECT id, sum(amount) AS amount FROM matched WHERE received"
    " GROUP BY 1) m ON m.id = g.id),"
    " posted AS (INSERT INTO ledger_transaction (id, customer_id, kind, payment_id, currency,"
    " actor_id, effective_at) SELECT posting, customer_id, 'payment', id, currency, :actor, paid_at"
    " FROM given),"
    " sides AS (INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount,"
    " holder, method) SELECT posting, 1, customer_id, 'cash', amount, operator_id, method"
    " FROM given UNION ALL SELECT posting, 2, customer_id, 'credit', -amount, NULL, NULL FROM given),"
    " kept AS (INSERT INTO allocation (payment_id, bill_id, amount)"
    " SELECT id, bill_id, amount FROM matched WHERE received ON CONFLICT (payment_id, bill_id)"
    " DO UPDATE SET amount = allocation.amount + excluded.amount),"
    " spent AS (UPDATE payment p SET allocated = p.allocated + m.amount, version = p.version + 1"
    " FROM (SELECT id, sum(amount) AS amount FROM matched WHERE received GROUP BY 1) m"
    " WHERE p.id = m.id),"
    " kept_credit AS (INSERT INTO credit_allocation (credit_id, bill_id, amount)"
    " SELECT id, bill_id, amount FROM matched WHERE NOT received ON CONFLICT (credit_id, bill_id)"
    " DO UPDATE SET amount = credit_allocation.amount + excluded.amount),"
    " spent_credit AS (UPDATE credit c SET allocated = c.allocated + m.amount,"
    " version = c.version + 1 FROM (SELECT id, sum(amount) AS amount FROM matched"
    " WHERE NOT received GROUP BY 1) m WHERE c.id = m.id),"
    " booked AS (INSERT INTO ledger_transaction (id, customer_id, kind, currency, actor_id,"
    " effective_at) SELECT gen_random_uuid(), a.customer_id, 'allocation',"
    " a.currency, :actor, :at FROM account a"
    " WHERE a.customer_id IN (SELECT customer_id FROM matched) RETURNING id, customer_id),"
    " entries AS (INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount)"
    " SELECT b.id, side.line, b.customer_id, side.account, side.sign * m.amount FROM booked b"
    " JOIN (SELECT customer_id, sum(amount) AS amount FROM matched GROUP BY 1) m"
    " ON m.customer_id = b.customer_id"
    " CROSS JOIN (VALUES (1, 'credit', 1), (2, 'receivable', -1)) AS side(line, account, sign))"
    " UPDATE bill b SET paid = b.paid + m.amount, version = b.version + 1,"
    " status = CASE WHEN b.paid + m.amount = b.total THEN 'paid'"
    " WHEN b.status = 'overdue' THEN 'overdue' ELSE 'partly_paid' END"
    " FROM (SELECT bill_id, sum(amount) AS amount, jsonb_object_agg(id, amount::text)"
    " FILTER (WHERE received) AS by FROM matched GROUP BY 1) m WHERE b.id = m.bill_id"
    " RETURNING b.id, b.customer_id, b.operator_path, b.number, b.total, b.currency, b.due_at,"
    " b.status, b.overdue_at, m.by"
)


def settle(
    session: Session,
    customers: Sequence[UUID],
    actor_id: UUID | None,
    at: datetime,
    received: Sequence[Mapping[str, Any]] = (),
) -> list[Any]:
    """Write the payments `received` and match all money to unpaid bills, oldest due first.

    The bills that were touched, each with what was matched `by` payment. The caller holds the
    accounts' locks.
    """
    given = {
        "customers": array(customers), "actor": actor_id, "at": at,
        "received": orjson.dumps(received, default=str).decode(),
    }  # fmt: skip
    return list(session.execute(_SETTLE, given))


_RELEASE = text(
    "WITH gone AS (DELETE FROM allocation"
    " WHERE payment_id = ANY(:payments) OR bill_id = ANY(:bills)"
    " RETURNING payment_id, bill_id, amount),"
    " freed AS (UPDATE payment p SET allocated = p.allocated - g.amount, version = p.version + 1"
    " FROM (SELECT payment_id, sum(amount) AS amount FROM gone GROUP BY 1) g"
    " WHERE p.id = g.payment_id),"
    " gone_credit AS (DELETE FROM credit_allocation"
    " WHERE credit_id = ANY(:credits) OR bill_id = ANY(:bills)"
    " RETURNING credit_id, bill_id, amount),"
    " freed_credit AS (UPDATE credit c SET allocated = c.allocated - g.amount,"
    " version = c.version + 1 FROM (SELECT credit_id, sum(amount) AS amount FROM gone_credit"
    " GROUP BY 1) g WHERE c.id = g.credit_id),"
    " reopened AS (UPDATE bill b SET paid = b.paid - g.amount, version = b.version + 1,"
    " status = CASE WHEN b.overdue_at IS NOT NULL THEN 'overdue'"
    " WHEN b.paid > g.amount THEN 'partly_paid' ELSE 'open' END"
    " FROM (SELECT bill_id, sum(amount) AS amount FROM (SELECT bill_id, amount FROM gone"
    " UNION ALL SELECT bill_id, amount FROM gone_credit) e GROUP BY 1) g WHERE b.id = g.bill_id"
    " RETURNING b.id, b.customer_id, b.total, b.paid, g.amount),"
    " booked AS (INSERT INTO ledger_transaction (id, customer_id, kind, currency, actor_id,"
    " effective_at) SELECT gen_random_uuid(), a.customer_id, 'release', a.currency,"
    " :actor, :at FROM account a WHERE a.customer_id IN (SELECT customer_id FROM reopened)"
    " RETURNING id, customer_id),"
    " entries AS (INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount)"
    " SELECT b.id, side.line, b.customer_id, side.account, side.sign * r.amount FROM booked b"
    " JOIN (SELECT customer_id, sum(amount) AS amount FROM reopened GROUP BY 1) r"
    " ON r.customer_id = b.customer_id"
    " CROSS JOIN (VALUES (1, 'receivable', 1), (2, 'credit', -1)) AS side(line, account, sign))"
    " SELECT id FROM reopened WHERE paid + amount = total"
)


def release(
    session: Session,
    actor_id: UUID | None,
    at: datetime,
    *,
    payments: Sequence[UUID] = (),
    bills: Sequence[UUID] = (),
    credits: Sequence[UUID] = (),
) -> frozenset[UUID]:
    """Take the matches of these payments, bills or credits back; the bills that were paid until now."""
    rows = session.scalars(
        _RELEASE,
        {"payments": list(payments), "bills": list(bills), "credits": list(credits),
         "actor": actor_id, "at": at},
    )  # fmt: skip
    return frozenset(rows)
