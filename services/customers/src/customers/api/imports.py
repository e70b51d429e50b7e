"""Customers from a file, tried first or taken at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request

from customers import importing
from customers.api.answers import answered, settings
from customers.persistence import operators
from customers.schemas.imports import (
    AcceptedImportSchema,
    ColumnsSchema,
    ImportArguments,
    ImportSchema,
)
from shared.http import (
    Blueprint,
    PlainPageArguments,
    database,
    page,
    permission,
    principal,
    transaction,
)
from shared.http.operating import JobSchema, accepted, job_body
from shared.http.operating.answering import page_of
from shared.http.uploads import CSV, XLSX, readable, request_body, sent_format
from shared.tabular import Format

imports = Blueprint("imports", __name__, description="Customers from a file")
FORMATS: dict[str, Format] = {CSV: "csv", XLSX: "xlsx"}


@imports.post("/v1/imports")
@imports.arguments(ImportArguments, location="query")
@imports.response(202, AcceptedImportSchema)
@imports.doc(requestBody=request_body(FORMATS))  # type: ignore[untyped-decorator]
@permission("imports.write")
def ask_for_import(wish: dict[str, Any]) -> Response:
    """Register the customers of a CSV or XLSX file, which is the body; a verdict per row in the job."""
    format = sent_format(FORMATS, "CSV or XLSX")
    with transaction(key_required=True) as tx:
        if "operator_id" in wish:
            operators.operator(tx.session, principal().scope, wish["operator_id"])
        with readable():
            import_id, job, understood = importing.begin(
                tx.session, settings(), tx.actor, request.get_data(), format,
                wanted=wish["map"], dry_run=wish["dry_run"], operator_id=wish.get("operator_id"),
            )  # fmt: skip
        body = {**job_body(job), "import_id": import_id, **understood}
        return tx.answer(
            AcceptedImportSchema(), body, 202, headers={"Location": f"/v1/jobs/{job.id}"}
        )


@imports.post("/v1/imports/columns")
@imports.response(200, ColumnsSchema)
@imports.doc(requestBody=request_body(FORMATS))  # type: ignore[untyped-decorator]
@permission("imports.write")
def show_columns() -> Response:
    """The columns of a file, which is the body, and the field that each suggests; nothing is kept."""
    format = sent_format(FORMATS, "CSV or XLSX")
    with readable():
        columns, rows = importing.columns(request.get_data(), format)
    fields, required = sorted(importing.FIELDS), importing.REQUIRED
    return answered({"columns": columns, "fields": fields, "required": required, "rows": rows})


@imports.get("/v1/imports")
@imports.arguments(PlainPageArguments, location="query")
@imports.response(200, page_of(ImportSchema))
@permission("imports.write")
def list_imports(arguments: dict[str, Any]) -> Response:
    """The files of the last week, newest first, and how each stands."""
    scope, i = principal().scope, importing.import_table.c
    with database().transaction(scope) as session:
        found = page(
            session, importing.listed(scope), arguments, key=i.id, default_sort="-created_at",
            sortable={"created_at": i.created_at},
        )  # fmt: skip
    return answered(found.body(_body), headers=found.headers())


@imports.get("/v1/imports/<uuid:import_id>")
@imports.response(200, ImportSchema)
@permission("imports.write")
def get_import(import_id: UUID) -> Response:
    """How the columns were understood, and how its job stands; a week after the file 404."""
    with database().transaction(principal().scope) as session:
        return answered(_body(importing.one(session, principal().scope, import_id)))


@imports.get("/v1/imports/<uuid:import_id>/refused-rows")
@imports.response(200, {"type": "string", "format": "binary"}, content_type=CSV)
@permission("imports.write")
def get_refused_rows(import_id: UUID) -> Response:
    """The rows that were refused, with why, as a CSV to correct and send again; without passwords."""
    with database().transaction(principal().scope) as session:
        found = importing.one(session, principal().scope, import_id)
        content, g.records = importing.refused_rows(session, found)
    name = f'attachment; filename="refused-rows-{found.created_at:%Y-%m-%d}.csv"'
    # Excel takes a CSV without the mark for one of another character set.
    sent = content.encode("utf-8-sig")
    return Response(
        sent, headers={"Content-Disposition": name}, content_type=f"{CSV}; charset=utf-8"
    )


@imports.post("/v1/imports/<uuid:import_id>/start")
@imports.response(202, JobSchema)
@permission("imports.write")
def start_import(import_id: UUID) -> Response:
    """Add the customers of a file that was tried, mapped as it was then."""
    with transaction() as tx:
        return accepted(tx, importing.start(tx.session, principal().scope, tx.actor, import_id))


def _body(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in importing.SHOWN}
