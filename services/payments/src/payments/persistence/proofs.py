"""The books of single customers against the ledger, told to customers when one goes or comes back.

The nightly proof (`proving`) reads all the books; this reads those of a batch, by index.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy.orm import Session

from payments.persistence.accounts import SUMS
from shared.batches import as_json
from shared.events import AccountProved, CustomerDeleted, CustomerRestored, Wire
from shared.outbox import telling

# Each is true when nothing of the customer `n` contradicts it (B17-B20).
_CHECKS = {
    "items_make_totals": "SELECT FROM bill b WHERE b.customer_id = n.customer_id AND b.total <>"
    " (SELECT coalesce(sum(i.amount), 0) FROM bill_item i WHERE i.bill_id = b.id)",
    "allocations_within_payments": "SELECT FROM payment p LEFT JOIN LATERAL (SELECT sum(x.amount)"
    " AS amount FROM allocation x WHERE x.payment_id = p.id) x ON true"
    " WHERE p.customer_id = n.customer_id AND (p.allocated <> coalesce(x.amount, 0)"
    " OR coalesce(x.amount, 0) > p.amount - p.refunded)",
    "bills_paid_by_allocations": "SELECT FROM bill b WHERE b.customer_id = n.customer_id AND b.paid <>"
    " (SELECT coalesce(sum(x.amount), 0) FROM (SELECT amount FROM allocation WHERE bill_id = b.id"
    " UNION ALL SELECT amount FROM credit_allocation WHERE bill_id = b.id) x)",
    "both_ends_exist": "SELECT FROM payment p JOIN allocation x ON x.payment_id = p.id"
    " LEFT JOIN bill b ON b.id = x.bill_id WHERE p.customer_id = n.customer_id"
    " AND b.customer_id IS DISTINCT FROM p.customer_id",
    "open_bills_are_receivable": "SELECT WHERE s.receivable <> (SELECT"
    " coalesce(sum(b.total - b.paid), 0) FROM bill b"
    " WHERE b.customer_id = n.customer_id AND b.status <> 'void')",
    "account_is_ledger": "SELECT WHERE (n.billed, n.paid, n.available_funds)"
    " IS DISTINCT FROM (s.billed, s.paid, s.credit)",
    # B20: what was announced has the bill that took its place, by which payments pay it; void or not.
    "proformas_have_their_bills": "SELECT FROM proforma p LEFT JOIN bill b ON b.id = p.bill_id"
    " WHERE p.customer_id = n.customer_id AND p.bill_id IS NOT NULL"
    " AND (b.customer_id IS DISTINCT FROM p.customer_id OR b.period_end <= p.period_start)",
    # A package's period begins where the one billed before it ends, whoever prolongs it; or at the moment
    # of its activation, after a restore, say. What was billed by hand is of any time.
    "periods_do_not_overlap": "SELECT FROM (SELECT b.period_start, b.period_end, b.issued_at,"
    " lag(b.period_start) OVER w AS start_before, lag(b.period_end) OVER w AS end_before FROM bill b"
    " WHERE b.customer_id = n.customer_id AND b.status <> 'void' AND b.period_start IS NOT NULL"
    " AND (SELECT bool_and(i.package_id IS NOT NULL) FROM bill_item i WHERE i.bill_id = b.id)"
    " WINDOW w AS (ORDER BY b.issued_at, b.period_start)) p"
    " WHERE p.start_before < p.period_end AND p.period_start < p.end_before"
    " AND p.period_start NOT BETWEEN p.issued_at - interval '1 hour' AND p.issued_at + interval '1 hour'",
    "transactions_balance": "SELECT FROM ledger_entry e WHERE e.transaction_id IN (SELECT t.id"
    " FROM ledger_transaction t WHERE t.customer_id = n.customer_id)"
    " GROUP BY e.transaction_id HAVING sum(e.amount) <> 0",
}
_OCCASIONS = {CustomerDeleted.type: "deleted", CustomerRestored.type: "restored"}
_SAID = ", ".join(f"'{name}', NOT EXISTS ({broken})" for name, broken in _CHECKS.items())
# Without GROUP BY there is a row of sums for who has no entry, too.
_SUMS = SUMS.replace("SELECT e.customer_id,", "SELECT")
# Heard twice (pushed and pulled), told once.
_TELL = telling(
    "WITH n AS MATERIALIZED (SELECT DISTINCT ON (e.subject) e.sequence, e.type, a.*"
    " FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(subject uuid, sequence bigint, type text)"
    " JOIN account a ON a.customer_id = e.subject"
    " JOIN customer_fact f ON f.id = e.subject AND f.erased_at IS NULL"
    " WHERE e.type = ANY(:types) AND NOT EXISTS (SELECT FROM outbox o WHERE o.subject = e.subject"
    f"  AND o.sequence = e.sequence AND o.type = '{AccountProved.type}')"
    " ORDER BY e.subject, e.sequence DESC)"
    " INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, data)"
    f" SELECT gen_random_uuid(), '{AccountProved.type}', n.customer_id, n.sequence, n.operator_path,"
    " 'system', jsonb_build_object('occasion', CAST(:occasions AS jsonb) ->> n.type,"
    " 'account_version', n.version, 'currency', n.currency,"
    " 'billed', trim_scale(s.billed)::text, 'paid', trim_scale(s.paid)::text,"
    " 'receivable', trim_scale(s.receivable)::text, 'credit', trim_scale(s.credit)::text,"
    f" 'checks', jsonb_build_object({_SAID})) FROM n"
    f" CROSS JOIN LATERAL ({_SUMS} WHERE e.customer_id = n.customer_id) s"
)


def tell(session: Session, events: Sequence[Wire]) -> None:
    """Prove the books of those whom the batch says to be deleted or restored, in its transaction."""
    if not any(event["type"] in _OCCASIONS for event in events):
        return
    session.execute(
        _TELL,
        {
            "events": as_json(events),
            "types": list(_OCCASIONS),
            "occasions": orjson.dumps(_OCCASIONS).decode(),
        },
    )
