"""Payments' proof of a customer's books: kept at the deletion, held against the one after the restore.

Neither waits for it: it comes as an event, mostly within a second. What it finds wrong keeps activation
back from then on (B17-B20).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import integrity
from shared.events import Wire
from shared.logs import logger
from shared.operations import SYSTEM, record_many

log = logger("restore")
_READ = text(
    "SELECT id, operator_path, deletion_snapshot, restore_report FROM customer"
    " WHERE id = ANY(:ids) AND state <> 'erasing' ORDER BY id FOR UPDATE"
)
_KEEP = text(
    "UPDATE customer c SET deletion_snapshot = k.snapshot, restore_report = k.report"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:snapshots AS jsonb[]), CAST(:reports AS jsonb[]))"
    " AS k(id, snapshot, report) WHERE c.id = k.id"
)
_WRONG = (
    "SELECT id AS subject, operator_path, CAST(NULL AS jsonb) AS before,"
    " restore_report -> 'checks' AS after, CAST(NULL AS text) AS reason"
    " FROM customer WHERE id = ANY(:ids) ORDER BY id"
)


def keep(session: Session, events: Sequence[Wire]) -> None:
    """Keep the proofs that belong to the last deletion and the last restore; others are no news."""
    told: dict[UUID, list[Wire]] = {}
    for event in sorted(events, key=lambda event: int(event["sequence"])):
        told.setdefault(UUID(event["subject"]), []).append(event)
    kept, wrong = [], []
    for row in session.execute(_READ, {"ids": list(told)}):
        snapshot, report = row.deletion_snapshot, row.restore_report
        for event in told[row.id]:
            snapshot, report = _with(snapshot, report, event)
        if report is not None and report["intact"] < (row.restore_report or report)["intact"]:
            wrong.append(row.id)
        if (snapshot, report) != (row.deletion_snapshot, row.restore_report):
            kept.append((row.id, snapshot, report))
    if kept:
        session.execute(_KEEP, _columns(kept))
    if wrong:
        log.error("restore.books_differ", customers=len(wrong))
        record_many(session, SYSTEM, "customer.books_differ", "customer", _WRONG, {"ids": wrong})


def _with(snapshot: Any, report: Any, event: Wire) -> tuple[Any, Any]:
    """The snapshot of the deletion and the report of the restore, with the proof where it belongs."""
    proof, version = event["data"], int(event["sequence"])
    if proof["occasion"] == "restored":
        if report is not None and report.get("version") == version:
            report = integrity.with_books(report, report["books"]["before"], proof)
    elif snapshot is not None and snapshot.get("version") == version:
        snapshot = {**snapshot, "books": proof}
        if report is not None and report["books"]["before"] is None:
            report = _late(report, proof)
    return snapshot, report


def _late(report: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The proof of the deletion came after the restore: the network between us lost its order."""
    after = report["books"]["after"]
    if after is not None:
        return integrity.with_books(report, before, after)
    return {**report, "books": {**report["books"], "before": before}}


def _columns(kept: Sequence[tuple[UUID, Any, Any]]) -> dict[str, list[Any]]:
    return {
        "ids": [row[0] for row in kept],
        "snapshots": [_json(row[1]) for row in kept],
        "reports": [_json(row[2]) for row in kept],
    }


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
