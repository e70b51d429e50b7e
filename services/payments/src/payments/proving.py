"""The nightly proof: every account, bill and payment against the ledger, which is the truth."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from payments.persistence.accounts import SUMS
from shared.database import Database
from shared.logs import logger

log = logger("proof")
# Each yields kind, customer_id, operator_path and detail of what differs.
CHECKS = (
    # The cached sums are those of the ledger.
    "SELECT 'account' AS kind, a.customer_id, a.operator_path, jsonb_build_object("
    " 'billed', a.billed, 'ledger_billed', s.billed, 'paid', a.paid, 'ledger_paid', s.paid,"
    " 'funds', a.available_funds, 'ledger_funds', s.credit) AS detail FROM account a"
    f" LEFT JOIN ({SUMS} GROUP BY 1) s ON s.customer_id = a.customer_id"
    " WHERE (a.billed, a.paid, a.available_funds, a.outstanding + a.available_funds)"
    " IS DISTINCT FROM (coalesce(s.billed, 0), coalesce(s.paid, 0), coalesce(s.credit, 0),"
    " coalesce(s.receivable, 0))",
    # What bills say is open is what the ledger says is owed.
    "SELECT 'receivable', a.customer_id, a.operator_path, jsonb_build_object('bills',"
    " coalesce(b.due, 0), 'ledger', a.outstanding + a.available_funds) FROM account a"
    " LEFT JOIN (SELECT customer_id, sum(total - paid) AS due FROM bill WHERE status <> 'void'"
    " GROUP BY 1) b ON b.customer_id = a.customer_id"
    " WHERE coalesce(b.due, 0) <> a.outstanding + a.available_funds",
    # Money not matched to a bill is the funds.
    "SELECT 'funds', a.customer_id, a.operator_path, jsonb_build_object('payments',"
    " coalesce(p.rest, 0), 'ledger', a.available_funds) FROM account a LEFT JOIN (SELECT"
    " customer_id, sum(rest) AS rest FROM (SELECT customer_id, amount - refunded - allocated AS rest"
    " FROM payment WHERE status <> 'voided' UNION ALL SELECT customer_id,"
    " amount - reversed - allocated FROM credit) r GROUP BY 1) p ON p.customer_id = a.customer_id"
    " WHERE coalesce(p.rest, 0) <> a.available_funds",
    # Bills and payments carry the sums of their allocations.
    "SELECT 'bill', b.customer_id, b.operator_path, jsonb_build_object('bill_id', b.id,"
    " 'paid', b.paid, 'allocated', coalesce(x.amount, 0)) FROM bill b LEFT JOIN (SELECT bill_id,"
    " sum(amount) AS amount FROM (SELECT bill_id, amount FROM allocation UNION ALL"
    " SELECT bill_id, amount FROM credit_allocation) a GROUP BY 1) x ON x.bill_id = b.id"
    " WHERE b.paid <> coalesce(x.amount, 0)",
    "SELECT 'payment', p.customer_id, p.operator_path, jsonb_build_object('payment_id', p.id,"
    " 'says', p.allocated, 'allocated', coalesce(x.amount, 0)) FROM payment p LEFT JOIN (SELECT"
    " payment_id, sum(amount) AS amount FROM allocation GROUP BY 1) x ON x.payment_id = p.id"
    " WHERE p.allocated <> coalesce(x.amount, 0)",
    "SELECT 'credit', c.customer_id, c.operator_path, jsonb_build_object('credit_id', c.id,"
    " 'says', c.allocated, 'allocated', coalesce(x.amount, 0)) FROM credit c LEFT JOIN (SELECT"
    " credit_id, sum(amount) AS amount FROM credit_allocation GROUP BY 1) x ON x.credit_id = c.id"
    " WHERE c.allocated <> coalesce(x.amount, 0)",
    # What a drawer says is what the ledger's cash of its operator adds up to; the subject is the operator.
    # Customers' money is in their account's currency: to ask every transaction for it takes as long again.
    "SELECT 'drawer', d.operator_id, coalesce(o.operator_path, ''), jsonb_build_object("
    " 'currency', d.currency, 'says', d.balance, 'ledger', coalesce(x.amount, 0)) FROM cash_drawer d"
    " LEFT JOIN operator_fact o ON o.id = d.operator_id LEFT JOIN (SELECT holder, currency,"
    " sum(amount) AS amount FROM (SELECT e.holder, a.currency, e.amount FROM ledger_entry e"
    " JOIN account a ON a.customer_id = e.customer_id WHERE e.account = 'cash' AND e.method = 'cash'"
    " UNION ALL SELECT e.holder, t.currency, e.amount FROM ledger_entry e"
    " JOIN ledger_transaction t ON t.id = e.transaction_id WHERE e.customer_id IS NULL"
    " AND e.account = 'cash' AND e.method = 'cash'"
    " UNION ALL SELECT holder, currency, amount FROM erased_money"
    " WHERE account = 'cash' AND method = 'cash') c GROUP BY 1, 2) x"
    " ON x.holder = d.operator_id AND x.currency = d.currency"
    " WHERE d.balance <> coalesce(x.amount, 0)",
    # What is owed to the state is what bills and credit notes say.
    "SELECT 'tax', a.customer_id, a.operator_path, jsonb_build_object('bills', coalesce(b.tax, 0),"
    " 'ledger', coalesce(e.tax, 0)) FROM account a LEFT JOIN (SELECT customer_id, sum(tax) AS tax"
    " FROM (SELECT customer_id, tax FROM bill WHERE status <> 'void' UNION ALL"
    " SELECT customer_id, -tax FROM credit WHERE reversed < amount) t GROUP BY 1) b"
    " ON b.customer_id = a.customer_id LEFT JOIN (SELECT customer_id, -sum(amount) AS tax"
    " FROM ledger_entry WHERE account = 'tax' GROUP BY 1) e ON e.customer_id = a.customer_id"
    " WHERE coalesce(b.tax, 0) <> coalesce(e.tax, 0)",
    # Every transaction adds up to zero (the trigger says so too; this also sees a restored backup). Only
    # those of customers are added up one by one whose amounts, each times a hash of its transaction, do
    # not cancel out: a million sums instead of forty million.
    "SELECT 'unbalanced', coalesce(e.customer_id, e.transaction_id), '',"
    " jsonb_build_object('transaction_id',"
    " e.transaction_id, 'off', sum(e.amount)) FROM ledger_entry e WHERE e.customer_id IS NULL"
    " OR e.customer_id = ANY(ARRAY(SELECT customer_id FROM ledger_entry WHERE customer_id IS NOT NULL"
    " GROUP BY 1 HAVING sum(amount * uuid_hash_extended(transaction_id, 0)) <> 0))"
    " GROUP BY e.transaction_id, e.customer_id HAVING sum(e.amount) <> 0",
)


# Each check reads all of the books: some minutes at 20 million payments, and nobody waits for it.
LONGEST = "30min"
# Sums of a million customers in one piece; what needs more goes to temporary files.
MEMORY = "64MB"


def prove(database: Database) -> dict[str, Any]:
    """Write what differs to `finding`; how many accounts were compared and how many rows differ.

    Each check is a transaction of its own, which has no id until it writes a difference: one with an id
    would hold back everybody's events meanwhile (`outbox.feed`).
    """
    differ = 0
    for check in CHECKS:
        with database.transaction() as session:
            differ += compare(session, check)
    with database.transaction() as session:
        compared = int(session.scalar(text("SELECT count(*) FROM account")) or 0)
    if differ:
        log.error("proof.differs", rows=differ, accounts=compared)
    return {"accounts": compared, "differences": differ}


def compare(session: Session, check: str) -> int:
    """How many rows differ by one of `CHECKS`: one statement, so one moment of the books."""
    session.execute(text(f"SET LOCAL statement_timeout = '{LONGEST}'"))
    session.execute(text(f"SET LOCAL work_mem = '{MEMORY}'"))
    written = session.execute(
        text(
            "INSERT INTO finding (kind, customer_id, operator_path, detail)"
            f" SELECT kind, customer_id, operator_path, detail FROM ({check})"
            " AS found(kind, customer_id, operator_path, detail)"
            " ON CONFLICT (kind, customer_id, detail) DO UPDATE SET at = now()"
        )
    )
    return cast("CursorResult[Any]", written).rowcount
