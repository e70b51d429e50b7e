"""`/v1/statement-imports`: statements of banks and gateways, matched with the books."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import request

from payments.api.answering import rules, settings
from payments.persistence import statement_imports as stored_imports
from payments.persistence import statement_lines as stored
from payments.persistence import unsettled
from payments.persistence.statement_imports import statement_import
from payments.persistence.statement_lines import statement_line
from payments.schemas import statements as bodies
from payments.schemas.statements import (
    AcceptedStatementSchema,
    IgnoreSchema,
    ImportArguments,
    ImportPageSchema,
    ImportsArguments,
    ImportSchema,
    MatchSchema,
    ReconciliationSchema,
    StatementLineArguments,
    StatementLinePageSchema,
    StatementLineSchema,
)
from payments.statements import importing, matching
from payments.statements.reading import Format
from shared.http import (
    Blueprint,
    Problem,
    Transaction,
    database,
    page,
    permission,
    principal,
    transaction,
)
from shared.http.operating import job_body
from shared.http.operating.answering import as_json
from shared.http.problems import not_found
from shared.http.uploads import CSV, XLSX, readable, request_body, sent_format

statements = Blueprint("statements", __name__, description="Statements of banks and gateways")
FORMATS: dict[str, Format] = {
    CSV: "csv",
    XLSX: "xlsx",
    "application/xml": "camt053",
    "text/xml": "camt053",
}


@statements.post("/v1/statement-imports")
@statements.arguments(ImportArguments, location="query")
@statements.response(202, AcceptedStatementSchema)
@statements.doc(requestBody=request_body(FORMATS))  # type: ignore[untyped-decorator]
@permission("imports.write")
def import_statement(wish: dict[str, Any]) -> Any:
    """Take a statement, which is the body: CSV, XLSX or CAMT.053. Idempotency-Key required.

    Its lines are matched with payments; a gateway is asked about what its file has and we have not.
    """
    format = sent_format(FORMATS, "CSV, XLSX or CAMT.053")
    with transaction(key_required=True) as tx:
        try:
            with readable():
                import_id, job = importing.begin(
                    tx.session, request.get_data(), format, wish["source"], wish.get("currency"),
                    tx.actor, wish["date_format"],
                )  # fmt: skip
        except importing.Imported as error:
            raise Problem(
                409, "imported", "This file was imported already", f"As {error.import_id}.",
                errors=[{"code": "imported", "detail": f"it is import {error.import_id}"}],
            ) from error  # fmt: skip
        answer = {**job_body(job), "import_id": import_id}
        return tx.answer(None, answer, 202, headers={"Location": f"/v1/jobs/{job.id}"})


@statements.get("/v1/statement-imports/<uuid:import_id>")
@statements.response(200, ImportSchema)
@permission("imports.write")
def get_import(import_id: UUID) -> Any:
    """One import, with what became of its lines."""
    scope = principal().scope
    with database().transaction(scope) as session:
        row = stored_imports.detail(session, scope, import_id)
    if row is None:
        raise not_found("statement import")
    return as_json(bodies.statement_import(row))


@statements.get("/v1/statement-imports")
@statements.arguments(ImportsArguments, location="query")
@statements.response(200, ImportPageSchema)
@permission("imports.write")
def list_imports(arguments: dict[str, Any]) -> Any:
    """Imports of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored_imports.listed(scope), arguments, key=statement_import.c.id,
            sortable={"created_at": statement_import.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(bodies.statement_import), found.headers())


@statements.get("/v1/statement-lines")
@statements.arguments(StatementLineArguments, location="query")
@statements.response(200, StatementLinePageSchema)
@permission("imports.write")
def list_lines(arguments: dict[str, Any]) -> Any:
    """Lines of the caller's branch, the oldest first: `state=open` are the exceptions by age."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.lines(scope, arguments), arguments, key=statement_line.c.id,
            sortable={"booked_on": statement_line.c.booked_on}, default_sort="booked_on",
        )  # fmt: skip
    return as_json(found.body(bodies.statement_line), found.headers())


@statements.post("/v1/statement-lines/<uuid:line_id>/match")
@statements.arguments(MatchSchema)
@statements.response(200, StatementLineSchema)
@permission("imports.write")
def match_line(body: dict[str, Any], line_id: UUID) -> Any:
    """This line is the money of that payment."""
    with transaction() as tx, rules("line or payment"):
        matching.match(tx.session, line_id, body["payment_id"], tx.actor)
        return _answer(tx, line_id)


@statements.post("/v1/statement-lines/<uuid:line_id>/ignore")
@statements.arguments(IgnoreSchema)
@statements.response(200, StatementLineSchema)
@permission("imports.write")
def ignore_line(body: dict[str, Any], line_id: UUID) -> Any:
    """This line is no payment of a customer."""
    with transaction() as tx, rules("line"):
        matching.ignore(tx.session, line_id, body["reason"], tx.actor)
        return _answer(tx, line_id)


def _answer(tx: Transaction, line_id: UUID) -> Any:
    row = stored.locked(tx.session, line_id)
    return tx.answer(None, bodies.statement_line(row), version=row.version)


@statements.get("/v1/reports/reconciliation")
@statements.response(200, ReconciliationSchema)
@permission("reports.read")
def report_reconciliation() -> Any:
    """Both sides of what does not agree, by age: money without a payment, payments without money."""
    scope = principal().scope
    zone, now = settings().time_zone, datetime.now(UTC)
    today = now.astimezone(ZoneInfo(zone)).date()
    with database().transaction(scope) as session:
        lines = session.execute(stored.open_by_age(scope, today)).all()
        waiting = unsettled.by_age(session, scope, now, zone)
        reviews = session.execute(stored.reviews_by_age(scope, today)).all()
    return as_json(
        {
            "open_lines": [bodies.aged(row) for row in lines],
            "unsettled_payments": [bodies.aged(row) for row in waiting],
            "waiting_reviews": [bodies.aged(row) for row in reviews],
        }
    )
