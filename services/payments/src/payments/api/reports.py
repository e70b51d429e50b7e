"""`/v1/reports`: what was collected, and whether the books agree with the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from payments.api.answering import settings
from payments.persistence.ageing import MOST_LINES, ageing, collected
from payments.persistence.searching import collections
from payments.persistence.taxes import by_month
from payments.schemas import bodies
from payments.schemas.answers import CollectionsSchema, ProofSchema
from payments.schemas.requests import CollectionsArguments
from payments.schemas.schedules import AgeingArguments, AgeingSchema, age
from payments.schemas.taxes import TaxArguments, TaxesSchema, month
from shared.http import Blueprint, database, permission, principal
from shared.http.operating.answering import as_json
from shared.http.problems import invalid_parameter

reports = Blueprint("reports", __name__, description="Totals and proofs")
# More findings than anybody reads are one finding: the books are wrong.
MOST_FINDINGS = 200


@reports.get("/v1/reports/collections")
@reports.arguments(CollectionsArguments, location="query")
@reports.response(200, CollectionsSchema)
@permission("reports.read")
def report_collections(arguments: dict[str, Any]) -> Any:
    """Sums by day of the ISP's calendar, method and operator (E24), at most 20,000 lines."""
    scope, zone = principal().scope, settings().time_zone
    by = arguments["by"].split(",")
    with database().transaction(scope) as session:
        rows: Sequence[Any] | None = collected(session, scope, arguments, by, zone)
        if rows is None:
            found = collections(scope, arguments, by, zone).limit(MOST_LINES + 1)
            rows = session.execute(found).all()
    if len(rows) > MOST_LINES:
        raise invalid_parameter(
            "by",
            f"more than {MOST_LINES} lines; ask for fewer days or groups, or export them:"
            " POST /v1/exports with the resource collections",
            "too_many",
        )
    return as_json({"time_zone": zone, "items": [bodies.collection(row) for row in rows]})


@reports.get("/v1/reports/ageing")
@reports.arguments(AgeingArguments, location="query")
@reports.response(200, AgeingSchema)
@permission("reports.read")
def report_ageing(arguments: dict[str, Any]) -> Any:
    """What is owed, by how long it has been due; by=operator: of whose customers."""
    scope = principal().scope
    with database().transaction(scope) as session:
        rows = ageing(session, scope, arguments["by"])
    return as_json({"items": [age(row) for row in rows]})


@reports.get("/v1/reports/taxes")
@reports.arguments(TaxArguments, location="query")
@reports.response(200, TaxesSchema)
@permission("reports.read")
def report_taxes(arguments: dict[str, Any]) -> Any:
    """What is owed to the state by month of booking: a month that was declared stays as it is."""
    scope, zone = principal().scope, settings().time_zone
    end = arguments.get("to") or datetime.now(UTC)
    begin = arguments.get("from") or end - timedelta(days=365)
    with database().transaction(scope) as session:
        rows = by_month(session, scope, begin, end, zone)
    return as_json({"time_zone": zone, "items": [month(row) for row in rows]})


@reports.get("/v1/reports/ledger-proof")
@reports.response(200, ProofSchema)
@permission("reports.read")
def report_proof() -> Any:
    """The last comparison of accounts, bills and payments with the ledger."""
    scope = principal().scope
    with database().transaction(scope) as session:
        last = session.execute(
            text(
                "SELECT finished_at, result FROM tick WHERE name = 'prove_ledger'"
                " AND finished_at IS NOT NULL ORDER BY slot DESC LIMIT 1"
            )
        ).one_or_none()
        found = session.execute(
            text(
                "SELECT id, at, kind, customer_id, detail FROM finding"
                " ORDER BY at DESC, id LIMIT :most"
            ),
            {"most": MOST_FINDINGS},
        ).all()
    result = (last.result or {}) if last is not None else {}
    return as_json(
        {
            "proved_at": last.finished_at if last is not None else None,
            "accounts": result.get("accounts"),
            "differences": result.get("differences"),
            "findings": [row._asdict() for row in found],
        }
    )
