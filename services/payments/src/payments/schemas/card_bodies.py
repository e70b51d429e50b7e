"""Batches and cards as bodies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from payments.persistence.cards import serial
from payments.schemas.bodies import money


def serials(batch: Any) -> tuple[str, str]:
    """The first and the last serial of a batch."""
    return serial(batch.series, 1), serial(batch.series, batch.size)


def file_is_gone(batch: Any) -> bool:
    return bool(batch.file_removed_at is not None or batch.file_until <= datetime.now(UTC))


def batch(row: Any) -> dict[str, Any]:
    first, last = serials(row)
    names = ("id", "operator_id", "expires_at", "created_at", "created_by", "job_id",
             "made_at", "sha256", "version")  # fmt: skip
    there = row.made_at is not None and not file_is_gone(row)
    return {
        **{name: getattr(row, name) for name in names},
        "count": row.size,
        "value": money(row.value, row.currency),
        "commission": money(row.commission, row.currency),
        "first_serial": first,
        "last_serial": last,
        "url": f"/v1/recharge-cards/batches/{row.id}/file" if there else None,
    }


def card(row: Any) -> dict[str, Any]:
    names = ("serial", "batch_id", "operator_id", "state", "expires_at", "issued_at", "used_at",
             "customer_id", "payment_id")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "value": money(row.value, row.currency),
        "commission": money(row.commission, row.currency),
    }
