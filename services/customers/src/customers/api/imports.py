"""Customers from a file, tried first or taken at once."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from customers import importing
from customers.api.answers import settings
from customers.persistence import operators
from customers.schemas.imports import AcceptedImportSchema, ImportArguments
from shared.http import Blueprint, Problem, permission, principal, transaction
from shared.http.operating import job_body
from shared.tabular import MOST_BYTES, Format, Unreadable

imports = Blueprint("imports", __name__, description="Customers from a file")
FORMATS: dict[str, Format] = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
FILE = {"schema": {"type": "string", "format": "binary"}}


@imports.post("/v1/imports")
@imports.arguments(ImportArguments, location="query")
@imports.response(202, AcceptedImportSchema)
@imports.doc(requestBody={"required": True, "content": dict.fromkeys(FORMATS, FILE)})  # type: ignore[untyped-decorator]
@permission("imports.write")
def ask_for_import(wish: dict[str, Any]) -> Response:
    """Register the customers of a CSV or XLSX file, which is the body; a verdict per row in the job."""
    request.max_content_length = MOST_BYTES
    format = FORMATS.get(request.mimetype)
    if format is None:
        raise Problem(
            415, "unsupported-media-type", "Send CSV or XLSX",
            f"The body is {request.mimetype or 'of no type'}; Content-Type is one of {', '.join(FORMATS)}.",
        )  # fmt: skip
    with transaction(key_required=True) as tx:
        if "operator_id" in wish:
            operators.operator(tx.session, principal().scope, wish["operator_id"])
        try:
            import_id, job, understood = importing.begin(
                tx.session, settings(), tx.actor, request.get_data(), format,
                wanted=wish["map"], dry_run=wish["dry_run"], operator_id=wish.get("operator_id"),
            )  # fmt: skip
        except Unreadable as error:
            raise Problem(
                422, "unreadable", "The file cannot be read", str(error),
                errors=[{"pointer": "", "code": "unreadable", "detail": str(error)}],
            ) from error  # fmt: skip
        body = {**job_body(job), "import_id": import_id, **understood}
        return tx.answer(
            AcceptedImportSchema(), body, 202, headers={"Location": f"/v1/jobs/{job.id}"}
        )
