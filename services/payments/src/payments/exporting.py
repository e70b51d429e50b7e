"""What payments exports: payments, bills, ledger lines and collections, with all columns that lists show
(E20-E24)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, func, select

from payments.persistence import bills, searching
from payments.persistence.drawers import operator_fact
from payments.persistence.matching import matching
from payments.persistence.searching import collections, conditions
from payments.persistence.tables import (
    bill,
    customer_fact,
    ledger_entry,
    ledger_transaction,
    payment,
)
from payments.schemas.requests import BillFilters, LedgerFilters, RangeArguments, TotalsArguments
from payments.settings import current
from shared.database import Scope
from shared.exporting import Resource
from shared.exports import Column

CUSTOMER = (
    Column("customer_name", "Customer Name", "text", customer_fact.c.name),
    Column("username", "Username", "text", customer_fact.c.username),
)
PAYMENT_COLUMNS = (
    *CUSTOMER,
    Column("amount", "Amount", "money", payment.c.amount, decimals=4),
    Column("currency", "Currency", "text", payment.c.currency),
    Column("method", "Payment Method", "text", payment.c.method),
    Column("recorded_at", "Date & Time", "timestamp", payment.c.recorded_at),
    Column("operator_name", "Operator", "text", payment.c.operator_name),
    Column("transaction_reference", "Transaction Reference", "text", payment.c.transaction_reference),
    Column("note", "Note", "text", payment.c.note),
    Column("status", "Status", "text", payment.c.status),
    Column("refunded", "Refunded", "money", payment.c.refunded, decimals=4),
    Column("paid_at", "Paid At", "timestamp", payment.c.paid_at),
    Column("settled_at", "Settled At", "timestamp", payment.c.settled_at),
    Column("receipt_number", "Receipt Number", "text", payment.c.receipt_number),
)  # fmt: skip
BILL_COLUMNS = (
    Column("number", "Number", "text", bill.c.number),
    *CUSTOMER,
    Column("total", "Total", "money", bill.c.total, decimals=4),
    Column("tax", "Tax", "money", bill.c.tax, decimals=4),
    Column("paid", "Paid", "money", bill.c.paid, decimals=4),
    Column("currency", "Currency", "text", bill.c.currency),
    Column("status", "Status", "text", bill.c.status),
    Column("period_start", "Period From", "timestamp", bill.c.period_start),
    Column("period_end", "Period To", "timestamp", bill.c.period_end),
    Column("issued_at", "Issued At", "timestamp", bill.c.issued_at),
    Column("due_at", "Due At", "timestamp", bill.c.due_at),
)
LEDGER_COLUMNS = (
    Column("transaction_id", "Transaction", "text", "ledger_transaction.id::text"),
    Column("recorded_at", "Recorded At", "timestamp", ledger_transaction.c.recorded_at),
    Column("effective_at", "Effective At", "timestamp", ledger_transaction.c.effective_at),
    Column("kind", "Kind", "text", ledger_transaction.c.kind),
    *CUSTOMER,
    Column("account", "Account", "text", ledger_entry.c.account),
    Column("method", "Payment Method", "text", ledger_entry.c.method),
    Column("operator_name", "Operator", "text", operator_fact.c.name),
    Column("amount", "Amount", "money", ledger_entry.c.amount, decimals=4),
    Column("currency", "Currency", "text", ledger_transaction.c.currency),
)

COLLECTION_COLUMNS = (
    Column("day", "Day", "date", "collected.day"),
    Column("method", "Payment Method", "text", "collected.method"),
    Column("operator_name", "Operator", "text", "collected.operator_name"),
    Column("currency", "Currency", "text", "collected.currency"),
    Column("payments", "Payments", "integer", "collected.payments"),
    Column("amount", "Amount", "money", "collected.amount", decimals=4),
    Column("refunded", "Refunded", "money", "collected.refunded", decimals=4),
    Column("net", "Net", "money", "collected.amount - collected.refunded", decimals=4),
)


def _payments(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    found = conditions(scope, filters)
    if filters.get("q") is not None:
        found = and_(found, matching(filters["q"]))
    return (
        select(payment.c.id)
        .select_from(payment.join(customer_fact, customer_fact.c.id == payment.c.customer_id))
        .where(found)
        .order_by(payment.c.recorded_at, payment.c.id)
    )


def _bills(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    return bills.listed(scope, filters).order_by(bill.c.issued_at, bill.c.id)


_BRANCH = func.coalesce(ledger_transaction.c.operator_path, customer_fact.c.operator_path)


def _ledger(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    """All of it: cash that was handed over, or counted beside the books, is of no customer, but of a
    branch. `operator_name` is who holds the cash of a line."""
    query = (
        select(ledger_entry.c.line)
        .select_from(
            ledger_transaction.join(
                ledger_entry, ledger_entry.c.transaction_id == ledger_transaction.c.id
            )
            .outerjoin(customer_fact, customer_fact.c.id == ledger_transaction.c.customer_id)
            .outerjoin(operator_fact, operator_fact.c.id == ledger_entry.c.holder)
        )
        .where(scope.covers(_BRANCH))
        .order_by(ledger_transaction.c.recorded_at, ledger_transaction.c.id, ledger_entry.c.line)
    )
    if filters.get("from") is not None:
        query = query.where(ledger_transaction.c.recorded_at >= filters["from"])
    if filters.get("to") is not None:
        query = query.where(ledger_transaction.c.recorded_at < filters["to"])
    if filters.get("customer_id") is not None:
        query = query.where(ledger_transaction.c.customer_id == filters["customer_id"])
    return query


def _collections(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    """By day of the ISP's calendar, method and operator, however many lines."""
    by = ("day", "method", "operator")
    found = collections(scope, filters, by, current().time_zone).subquery("collected")
    return select(found.c.day).order_by(
        found.c.day, found.c.method, found.c.operator_name, found.c.operator_id, found.c.currency
    )


RESOURCES = (
    Resource(
        name="payments", columns=PAYMENT_COLUMNS, select=_payments, permission="payments.read",
        filters=TotalsArguments, sum_column="amount", sortable=searching.SORTABLE,
        key=(payment.c.id,),
    ),
    Resource(
        name="bills", columns=BILL_COLUMNS, select=_bills, permission="bills.read",
        filters=BillFilters, sum_column="total", sortable=bills.SORTABLE, key=(bill.c.id,),
    ),
    Resource(
        name="ledger", columns=LEDGER_COLUMNS, select=_ledger, permission="payments.read",
        filters=LedgerFilters, sum_column="amount",
        sortable={
            "recorded_at": ledger_transaction.c.recorded_at,
            "effective_at": ledger_transaction.c.effective_at,
        },
        key=(ledger_transaction.c.id, ledger_entry.c.line),
    ),
    # Sums name operators, and no customer.
    Resource(
        name="collections", columns=COLLECTION_COLUMNS, select=_collections,
        permission="reports.read", filters=RangeArguments, sum_column="amount", personal=False,
    ),
)  # fmt: skip
