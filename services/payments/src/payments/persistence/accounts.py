"""A customer's account: its lock, and its sums, which are those of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.arrays import array

# The array in a subquery: the planner then takes as many customers for granted as it does without
# knowing them, and keeps its plan, where it would make a new one for every payment.
_THESE = "ANY(ARRAY(SELECT unnest(CAST(:customers AS uuid[]))))"
_LOCK = text(
    "SELECT a.customer_id, a.currency, a.operator_path, a.version, a.overdue, a.overdue_amount,"
    " a.promised_until, a.auto_payment_failures FROM account a"
    f" WHERE a.customer_id = {_THESE} ORDER BY a.customer_id FOR UPDATE"
)


def lock(session: Session, customers: Sequence[UUID]) -> dict[UUID, Any]:
    """The accounts in the caller's branch, locked until commit: every change of money begins here.

    One order for everybody, so that two batches never wait for each other in a circle.
    """
    return {row.customer_id: row for row in session.execute(_LOCK, {"customers": array(customers)})}


def fail_auto_payment(session: Session, customer_id: UUID) -> int:
    """Count a failure; how many since the last payment. The caller holds the account's lock."""
    found = session.scalar(
        text(
            "UPDATE account SET auto_payment_failures = auto_payment_failures + 1"
            " WHERE customer_id = :customer RETURNING auto_payment_failures"
        ),
        {"customer": customer_id},
    )
    return int(found or 0)


def thaw(session: Session, customers: Sequence[UUID]) -> None:
    """A payment, of whatever kind, begins the count of failures anew."""
    session.execute(
        text(
            "UPDATE account SET auto_payment_failures = 0"
            " WHERE customer_id = ANY(:customers) AND auto_payment_failures > 0"
        ),
        {"customers": list(customers)},
    )


# Sums of the customer's own ledger rows, from an index alone.
SUMS = (
    "SELECT e.customer_id,"
    " -coalesce(sum(e.amount) FILTER (WHERE e.account IN ('revenue', 'tax', 'bad_debt')), 0) AS billed,"
    " coalesce(sum(e.amount) FILTER (WHERE e.account = 'cash'), 0) AS paid,"
    " coalesce(sum(e.amount) FILTER (WHERE e.account = 'receivable'), 0) AS receivable,"
    " -coalesce(sum(e.amount) FILTER (WHERE e.account = 'credit'), 0) AS credit"
    " FROM ledger_entry e"
)
# A renewal that finds its period paid may be late by an outage, but not by weeks.
_PAID_PERIODS = (
    "ARRAY(SELECT b.period_start FROM bill b WHERE b.customer_id = a.customer_id"
    " AND b.period_start > now() - interval '7 days' AND b.status = 'paid'"
    # What is given up is not paid. No EXISTS: a plan for many customers might read every credit.
    " AND (SELECT true FROM credit_allocation x JOIN credit c ON c.id = x.credit_id"
    " AND c.kind = 'write_off' WHERE x.bill_id = b.id LIMIT 1) IS NULL ORDER BY b.period_start)"
)
_TODAY = (
    "today AS (SELECT date_trunc('day', now() AT TIME ZONE time_zone) AT TIME ZONE time_zone AS begins,"
    " (date_trunc('day', now() AT TIME ZONE time_zone) + interval '1 day') AT TIME ZONE time_zone AS ends"
    " FROM calendar)"
)
# What was charged on the ISP's day and still stands, beside the periods of a package: what is charged by
# itself month after month, funds and credit guard already, and no day's limit shall (C30).
_EXPENSES = (
    "(SELECT coalesce(sum(b.total - (SELECT coalesce(sum(c.amount - c.reversed), 0) FROM credit c"
    " WHERE c.bill_id = b.id)), 0) FROM bill b WHERE b.customer_id = a.customer_id"
    " AND b.issued_at >= (SELECT begins FROM today) AND b.period_start IS NULL"
    " AND b.status <> 'void')"
)
_REFRESH = text(
    "WITH given AS (SELECT * FROM unnest(CAST(:customers AS uuid[]), CAST(:events AS bigint[]))"
    " AS g(customer_id, events)),"
    f" {_TODAY},"
    f" sums AS ({SUMS} WHERE e.customer_id = {_THESE} GROUP BY 1),"
    " late AS (SELECT customer_id, sum(total - paid) AS amount FROM bill"
    f" WHERE customer_id = {_THESE} AND status = 'overdue' GROUP BY 1)"
    " UPDATE account a SET version = a.version + given.events,"
    " billed = coalesce(sums.billed, 0), paid = coalesce(sums.paid, 0),"
    " outstanding = coalesce(sums.billed, 0) - coalesce(sums.paid, 0),"
    " available_funds = coalesce(sums.credit, 0),"
    # It is what cuts off: never on a holiday, never while a promise stands or an export runs (C33).
    " overdue = coalesce(late.amount, 0) > 0 AND a.promised_until IS NULL"
    " AND (a.overdue OR (SELECT working_day(now())) AND coalesce((SELECT NOT 'export' = ANY(f.holds)"
    " FROM customer_fact f WHERE f.id = a.customer_id), true)),"
    " overdue_amount = coalesce(late.amount, 0)"
    " FROM given LEFT JOIN sums ON sums.customer_id = given.customer_id"
    " LEFT JOIN late ON late.customer_id = given.customer_id"
    f" WHERE a.customer_id = given.customer_id RETURNING a.*, {_PAID_PERIODS} AS paid_periods,"
    f" {_EXPENSES} AS expenses, (SELECT ends FROM today) AS expenses_until,"
    " (SELECT f.retry_limit FROM customer_fact f WHERE f.id = a.customer_id) AS retry_limit"
)


def refresh(session: Session, events: Mapping[UUID, int]) -> list[Any]:
    """Set the sums anew and let the version grow by the number of events of each customer."""
    return list(
        session.execute(_REFRESH, {"customers": array(events), "events": array(events.values())})
    )


_BALANCE = text(
    f"WITH {_TODAY} SELECT a.*, coalesce(v.credited, 0) AS credited, {_EXPENSES} AS expenses_today,"
    " CASE f.balance_control WHEN 'postpaid' THEN f.credit_limit END AS credit_limit"
    " FROM account a LEFT JOIN customer_fact f ON f.id = a.customer_id LEFT JOIN ("
    " SELECT e.customer_id, sum(e.amount) AS credited FROM ledger_entry e"
    " JOIN ledger_transaction t ON t.id = e.transaction_id AND t.kind <> 'bill'"
    " WHERE e.customer_id = :customer AND e.account IN ('revenue', 'tax', 'bad_debt') GROUP BY 1) v"
    " ON v.customer_id = a.customer_id WHERE a.customer_id = :customer"
)


def balance(session: Session, customer_id: UUID) -> Any:
    """The account with `credited`, what void bills and credits took back, the expenses of the ISP's day,
    and the limit of a postpaid customer's credit; None outside the branch."""
    return session.execute(_BALANCE, {"customer": customer_id}).one_or_none()
