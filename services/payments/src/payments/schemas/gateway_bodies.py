"""Rows of the gateway pipeline as bodies."""

from __future__ import annotations

from typing import Any

from payments.reviewing import TO_DO
from payments.schemas.bodies import money


def _plain(row: Any, names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names.split()}


def intent(row: Any) -> dict[str, Any]:
    return {
        **_plain(row, "id customer_id customer_name username gateway"),
        "amount": money(row.amount, row.currency),
        **_plain(row, "state reference redirect_url failure payment_id method_id created_by created_at"
                 " expires_at finished_at next_check_at checks version"),
    }  # fmt: skip


def method(row: Any) -> dict[str, Any]:
    return _plain(
        row, "id customer_id customer_name username gateway state label redirect_url failure"
        " created_by created_at expires_at finished_at next_charge_at version",
    )  # fmt: skip


def delivery(row: Any) -> dict[str, Any]:
    return _plain(
        row, "id gateway received_at source_address verdict state outcome event_id repeats"
        " intent_id customer_id attempts next_at processed_at version",
    )  # fmt: skip


def delivery_detail(row: Any) -> dict[str, Any]:
    body = None if row.body is None else bytes(row.body).decode(errors="replace")
    return {**delivery(row), "headers": row.headers, "body": body}


def review(row: Any) -> dict[str, Any]:
    expected = None
    if row.expected_amount is not None:
        expected = money(row.expected_amount, row.expected_currency)
    return {
        **_plain(row, "id gateway intent_id customer_id customer_name username paid_at cause state"
                 " opened_at decided_at decided_by decision_reason payment_id version"),
        "transaction_reference": row.transaction,
        "amount": money(row.amount, row.currency),
        "expected": expected,
        "what_to_do": TO_DO[row.cause] if row.state == "open" else "Nothing: it is decided.",
    }  # fmt: skip


def refund(row: Any) -> dict[str, Any]:
    return {
        **_plain(row, "id gateway payment_id review_id customer_id customer_name username reason"
                 " state gateway_reference error requested_by created_at finished_at attempts"
                 " next_at version"),
        "transaction_reference": row.transaction,
        "amount": money(row.amount, row.currency),
    }  # fmt: skip


def speed(row: Any) -> dict[str, Any]:
    return {
        **_plain(row, "gateway payments"),
        "to_books": _seconds(row.to_books),
        "settled": row.lifted,
        "online": row.online,
        "to_internet": None if row.to_internet is None else _seconds(row.to_internet),
    }


def _seconds(shares: Any) -> dict[str, float]:
    p50, p95, p99 = (round(float(one), 3) for one in shares)
    return {"p50": p50, "p95": p95, "p99": p99}
