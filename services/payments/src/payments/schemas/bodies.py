"""Rows as bodies: plain dicts straight to JSON, which costs a seventeenth of a dump by marshmallow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from payments.domain import Erased, PossibleDuplicate, Refused
from payments.money import exact


def money(amount: Any, currency: str) -> dict[str, str]:
    return {"amount": str(exact(Decimal(amount), currency)), "currency": currency}


def allocation(row: dict[str, Any], currency: str) -> dict[str, Any]:
    return {
        "bill_id": row["bill_id"],
        "bill_number": row["bill_number"],
        "amount": money(row["amount"], currency),
    }


def payment(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "username": row.username,
        "amount": money(row.amount, row.currency),
        "refunded": money(row.refunded, row.currency),
        "method": row.method,
        "recorded_at": row.recorded_at,
        "paid_at": row.paid_at,
        "settled_at": row.settled_at,
        "operator_id": row.operator_id,
        "operator_name": row.operator_name,
        "gateway": row.gateway,
        "transaction_reference": row.transaction_reference,
        "note": row.note,
        "status": row.status,
        "receipt_number": row.receipt_number,
        "voided_at": row.voided_at,
        "allocations": [allocation(one, row.currency) for one in row.allocations],
        "version": row.version,
    }


def objection(error: Exception) -> dict[str, Any]:
    """What stands against one payment of many; the codes are those that one alone would get."""
    if isinstance(error, Refused):
        told: dict[str, Any] = {"code": error.code, "detail": error.detail}
        if isinstance(error, PossibleDuplicate):
            told["payment_ids"] = error.payment_ids
        return told
    if isinstance(error, Erased):
        return {"code": "erased", "detail": "This customer was erased."}
    return {"code": "not_found", "detail": "There is no such customer."}


def sums(row: Any) -> dict[str, Any]:
    return {
        "payments": row.payments,
        "amount": money(row.amount, row.currency),
        "refunded": money(row.refunded, row.currency),
        "net": money(row.amount - row.refunded, row.currency),
    }


def total(row: Any) -> dict[str, Any]:
    return {"method": row.method, **sums(row)}


def collection(row: Any) -> dict[str, Any]:
    named = {
        name: getattr(row, name)
        for name in ("day", "method", "operator_id", "operator_name")
        if hasattr(row, name)
    }
    return {**named, **sums(row)}


def bill(row: Any) -> dict[str, Any]:
    period = None
    if row.period_start is not None:
        period = {"start": row.period_start, "end": row.period_end}
    return {
        "id": row.id,
        "number": row.number,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "username": row.username,
        "items": [
            {
                **item,
                "amount": money(item["amount"], row.currency),
                "tax": money(item["tax"], row.currency),
            }
            for item in row.items_json
        ],
        "total": money(row.total, row.currency),
        "tax": money(row.tax, row.currency),
        "paid": money(row.paid, row.currency),
        "period": period,
        "issued_at": row.issued_at,
        "due_at": row.due_at,
        "voided_at": row.voided_at,
        "status": row.status,
        "version": row.version,
    }


def credit(row: Any) -> dict[str, Any]:
    names = ("id", "number", "kind", "customer_id", "customer_name", "username", "bill_id",
             "reason", "created_at", "operator_id", "operator_name", "version")  # fmt: skip
    amounts = ("amount", "tax", "reversed", "allocated")
    return {
        **{name: getattr(row, name) for name in names},
        **{name: money(getattr(row, name), row.currency) for name in amounts},
    }


def promise(row: Any) -> dict[str, Any]:
    names = ("id", "customer_id", "customer_name", "username", "until", "state", "note",
             "operator_id", "operator_name", "created_at", "ended_at", "version")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "amount": money(row.amount, row.currency),
    }


def reminder(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("bill_id", "customer_id", "day", "at")}


def adjustment(row: Any, at: Any, *, credit_id: Any = None, bill_id: Any = None) -> dict[str, Any]:
    amount = row.amount if credit_id is not None else row.total
    return {
        "number": row.number,
        "customer_id": row.customer_id,
        "direction": "debit" if credit_id is None else "credit",
        "amount": money(amount, row.currency),
        "credit_id": credit_id,
        "bill_id": bill_id,
        "created_at": at,
    }


def balance(row: Any) -> dict[str, Any]:
    amounts = (
        "billed", "paid", "credited", "outstanding", "overdue_amount", "available_funds",
        "expenses_today",
    )  # fmt: skip
    limit, used = row.credit_limit, max(row.outstanding, Decimal(0))
    left = None if limit is None else max(limit - used, Decimal(0))
    credit = {"credit_limit": limit, "credit_used": used, "credit_left": left}
    return {
        "customer_id": row.customer_id,
        "currency": row.currency,
        **{name: money(getattr(row, name), row.currency) for name in amounts},
        **{
            name: money(value, row.currency) if limit is not None else None
            for name, value in credit.items()
        },
        "overdue": row.overdue,
        "version": row.version,
    }


def line(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.effective_at,
        "recorded_at": row.recorded_at,
        "kind": row.kind,
        "bill_id": row.bill_id,
        "payment_id": row.payment_id,
        "credit_id": row.credit_id,
        "number": row.bill_number or row.receipt_number,
        "method": row.method,
        "amount": money(row.amount, row.currency),
        "balance": money(row.balance, row.currency),
    }
