"""The statements of an erasure, each for many customers at once; each tells what rows it took.

`customer_fact` keeps one row per erased customer: the id with the largest version there is, so that
no late event ever brings the person back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.batches import as_json

NO_ONE = "[erased]"
# (table, statement); each yields the customer and the key of every row it took.
PERSONAL = (
    ("activation", "DELETE FROM activation WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, sequence::text"),
    ("bill_item", "UPDATE bill_item i SET description = :no_one FROM bill b"
     " WHERE b.id = i.bill_id AND b.customer_id = ANY(:ids) AND i.package_id IS NULL"
     " RETURNING b.customer_id, i.bill_id::text || '/' || i.line"),
    ("credit", "UPDATE credit SET reason = NULL, version = version + 1"
     " WHERE customer_id = ANY(:ids) AND reason IS NOT NULL RETURNING customer_id, id::text"),
    ("promise", "UPDATE promise SET note = NULL, version = version + 1,"
     " ended_at = coalesce(ended_at, now()),"
     " state = CASE state WHEN 'open' THEN 'withdrawn' ELSE state END"
     " WHERE customer_id = ANY(:ids) AND (note IS NOT NULL OR state = 'open')"
     " RETURNING customer_id, id::text"),
    ("proforma", "UPDATE proforma SET state = 'withdrawn', ended_at = now(), version = version + 1"
     " WHERE customer_id = ANY(:ids) AND state = 'open' RETURNING customer_id, id::text"),
    ("dead_letter", "DELETE FROM dead_letter WHERE subject = ANY(:ids)"
     " RETURNING subject, event_id::text"),
    ("operation_detail", "DELETE FROM operation_detail WHERE subject = ANY(:ids)"
     " RETURNING subject, operation_id::text"),
    ("idempotency", "DELETE FROM idempotency WHERE subject = ANY(:ids)"
     " RETURNING subject, principal || '/' || key"),
    ("job_row", "UPDATE job_row SET verdict = NULL WHERE subject = ANY(:ids)"
     " RETURNING subject, job_id::text || '/' || position"),
)  # fmt: skip
MONEY = (
    # The line stays as the bank's word about money; whose it was is gone.
    ("statement_line", "UPDATE statement_line l SET payment_id = NULL, state = 'ignored',"
     " reference = NULL, description = NULL, version = l.version + 1 FROM payment p"
     " WHERE p.id = l.payment_id AND p.customer_id = ANY(:ids) RETURNING p.customer_id, l.id::text"),
    ("allocation", "DELETE FROM allocation a USING payment p"
     " WHERE p.id = a.payment_id AND p.customer_id = ANY(:ids)"
     " RETURNING p.customer_id, a.payment_id::text || '/' || a.bill_id"),
    ("recharge_card", "UPDATE recharge_card c SET customer_id = NULL, payment_id = NULL"
     " FROM unnest(CAST(:ids AS uuid[])) AS e(id) WHERE c.customer_id = e.id"
     " RETURNING e.id, c.serial"),
    ("credit_allocation", "DELETE FROM credit_allocation a USING credit c"
     " WHERE c.id = a.credit_id AND c.customer_id = ANY(:ids)"
     " RETURNING c.customer_id, a.credit_id::text || '/' || a.bill_id"),
    ("credit", "DELETE FROM credit WHERE customer_id = ANY(:ids) RETURNING customer_id, id::text"),
    ("bill_item", "DELETE FROM bill_item i USING bill b"
     " WHERE b.id = i.bill_id AND b.customer_id = ANY(:ids)"
     " RETURNING b.customer_id, i.bill_id::text || '/' || i.line"),
    ("promise", "DELETE FROM promise WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, id::text"),
    ("reminder", "DELETE FROM reminder WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, bill_id::text || '/' || day"),
    ("proforma", "DELETE FROM proforma WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, id::text"),
    ("bill", "DELETE FROM bill WHERE customer_id = ANY(:ids) RETURNING customer_id, id::text"),
    ("payment", "DELETE FROM payment WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, id::text"),
    ("account", "DELETE FROM account WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, customer_id::text"),
    ("finding", "DELETE FROM finding WHERE customer_id = ANY(:ids)"
     " RETURNING customer_id, id::text"),
    # Who looked at which id stays for its year, unless everything goes.
    ("access_log", "DELETE FROM access_log WHERE subject = ANY(:ids) RETURNING subject, id::text"),
    # What is proved stays told.
    ("outbox", "DELETE FROM outbox WHERE subject = ANY(:ids) AND type <> 'erasure.receipt'"
     " RETURNING subject, id::text"),
)  # fmt: skip
Taken = list[tuple[str, UUID, str]]


def run(session: Session, table: str, statement: str, ids: Sequence[UUID]) -> Taken:
    """(table, customer, key) of each row that the statement took."""
    params = {"ids": list(ids)} | ({"no_one": NO_ONE} if ":no_one" in statement else {})
    return [(table, customer, key) for customer, key in session.execute(text(statement), params)]


_TOMBSTONE = text(
    "INSERT INTO customer_fact (id, version, operator_path, customer_number, name, username, phone,"
    " operator_id, operator_name, standing, balance_control, currency, erased_at, erasure_id)"
    " SELECT subject, 9223372036854775807, operatorpath, '', :no_one, :no_one, NULL,"
    " '00000000-0000-0000-0000-000000000000', '', 'erasing', 'prepaid', 'XXX', now(),"
    " CAST(data->>'erasure_id' AS uuid)"
    " FROM jsonb_to_recordset(CAST(:events AS jsonb))"
    " AS e(subject uuid, operatorpath text, data jsonb) ORDER BY subject"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, customer_number = '',"
    " name = excluded.name, username = excluded.username, phone = NULL, standing = 'erasing',"
    " holds = '{}', credit_limit = NULL, package_id = NULL, erased_at = now(), activated = false,"
    " expires_at = NULL, announced_for = NULL, auto_payment = false,"
    " erasure_id = excluded.erasure_id WHERE customer_fact.erased_at IS NULL RETURNING id"
)


UNCLAIMED = (
    "SELECT i.id FROM unnest(CAST(%(ids)s AS uuid[])) AS i(id) LEFT JOIN customer_fact f"
    " ON f.id = i.id WHERE f.erased_at IS NULL"
)


def bury(session: Session, events: Sequence[dict[str, Any]]) -> set[UUID]:
    """Put the tombstones: from here on no fact of these customers is taken any more.

    Those that had none: of two deliveries of one event, the second waits here and finds nothing.
    """
    given = {"events": as_json(events), "no_one": NO_ONE}
    return set(session.scalars(_TOMBSTONE, given))


_REFERENCES = text(
    "SELECT id, customer_id, transaction_reference FROM payment"
    " WHERE customer_id = ANY(:ids) AND (transaction_reference IS NOT NULL OR note IS NOT NULL)"
)
_REPLACE = text(
    "UPDATE payment p SET note = NULL, transaction_reference = r.reference,"
    " version = p.version + 1 FROM unnest(CAST(:payments AS uuid[]), CAST(:references AS text[]))"
    " AS r(id, reference) WHERE p.id = r.id"
)


def references(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """Payments with a note or a reference."""
    return list(session.execute(_REFERENCES, {"ids": list(ids)}))


def replace_references(session: Session, new: Sequence[tuple[UUID, str | None]]) -> None:
    """Clear notes and put digests in place of references."""
    if new:
        payments, digests = zip(*new, strict=True)
        session.execute(_REPLACE, {"payments": list(payments), "references": list(digests)})


def erase_ledger(
    session: Session, erasure_id: str, customer_id: UUID, path: str
) -> tuple[int, int]:
    """Remove the ledger rows of one customer; their sums stay as `erased_money`. (entries, transactions)."""
    row = session.execute(
        text("SELECT entries, transactions FROM erase_ledger(:erasure, :customer, :path)"),
        {"erasure": erasure_id, "customer": customer_id, "path": path},
    ).one()
    return row.entries, row.transactions


_ANSWERED = text(
    "SELECT subject FROM outbox WHERE type = 'customer.billing_erased' AND subject = ANY(:ids)"
)


def billing_answered(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those whose billing was removed after the person, and told so."""
    return set(session.scalars(_ANSWERED, {"ids": list(ids)}))
