"""Customers from a file, tried first or taken at once."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from customers import importing
from customers.api.answers import settings
from customers.persistence import operators
from customers.schemas.imports import AcceptedImportSchema, ImportArguments
from shared.http import Blueprint, permission, principal, transaction
from shared.http.operating import job_body
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
