"""The export routes of a service: ask for a file, follow it, fetch it (seeds E20 to E24, input B22)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import marshmallow as ma
from flask import Response, current_app, send_file
from sqlalchemy import column, select, table

from shared import exporting, exports, operations
from shared.database import Database
from shared.exporting import Resource
from shared.http.authentication import permission, principal, require
from shared.http.blueprint import Blueprint
from shared.http.export_schemas import (
    AcceptedExportSchema,
    ExportArguments,
    ExportPageSchema,
    ExportSchema,
    request_schema,
)
from shared.http.operating import job_body
from shared.http.paging import page
from shared.http.problems import Problem, invalid, not_found
from shared.http.transactions import transaction
from shared.settings import Settings
from shared.sorting import UnknownSort

MEDIA = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    # All that is held on one person (customers' data-subject export).
    "zip": "application/zip",
}
NAMES = ["id", "job_id", "resource", "format", "operator_path", "operator_id", "manifest", "created_at",
         "expires_at", "removed_at"]  # fmt: skip
export_table = table("export", *(column(name) for name in NAMES))
job_table = table("job", column("id"), column("state"), column("done"), column("error"))


def exports_blueprint(resources: Sequence[Resource]) -> Blueprint:
    """`POST,GET /v1/exports`, `GET /v1/exports/{id}` and its `/file`, for these resources."""
    blueprint = Blueprint("exports", __name__, description="Lists as CSV, XLSX or Parquet files")
    known = {resource.name: resource for resource in resources}
    _asking(blueprint, known)
    _following(blueprint)
    _fetching(blueprint)
    return blueprint


def _asking(blueprint: Blueprint, known: dict[str, Resource]) -> None:
    @blueprint.post("/v1/exports")
    @blueprint.arguments(request_schema(known))
    @blueprint.response(202, AcceptedExportSchema)
    @permission("exports.write")
    def ask_for_export(body: dict[str, Any]) -> Any:
        """Queue a file of what the filter finds; Idempotency-Key required."""
        resource = known[body["resource"]]
        require(resource.permission)
        _check_filter(resource, body["filter"])
        with transaction(key_required=True) as tx:
            caller = principal()
            try:
                export_id, job = exporting.request_export(
                    tx.session,
                    _settings(),
                    tx.actor,
                    resource,
                    operator_path=caller.path or operations.SYSTEM_PATH,
                    scope=caller.scope,
                    format=body["format"],
                    filters=body["filter"],
                    columns=body.get("columns"),
                    time_zone=body["time_zone"],
                    sort=body.get("sort"),
                )
            except exports.UnknownColumn as error:
                raise invalid("columns", str(error).removeprefix("columns: ")) from error
            except UnknownSort as error:
                raise invalid("sort", str(error)) from error
            _log(tx.session, tx.actor, "export.requested", export_id, resource.name, body["format"])
            return tx.answer(
                AcceptedExportSchema(),
                {**job_body(job), "export_id": export_id},
                202,
                headers={"Location": f"/v1/jobs/{job.id}"},
            )


def _check_filter(resource: Resource, given: dict[str, Any]) -> None:
    try:
        resource.filters().load(given)
    except ma.ValidationError as error:
        field, texts = next(iter(dict(error.messages_dict).items()))
        where = "filter" if field == "_schema" else f"filter.{field}"
        detail = str(texts[0]) if isinstance(texts, list) else "not valid"
        raise invalid(where, detail) from error


def _following(blueprint: Blueprint) -> None:
    @blueprint.get("/v1/exports")
    @blueprint.arguments(ExportArguments, location="query")
    @blueprint.response(200, ExportPageSchema)
    @permission("exports.write")
    def list_exports(arguments: dict[str, Any]) -> Any:
        """Of the caller's branch, newest first."""
        scope = principal().scope
        query = _query().where(scope.covers(export_table.c.operator_path))
        if "resource" in arguments:
            query = query.where(export_table.c.resource == arguments["resource"])
        with _database().transaction(scope) as session:
            found = page(
                session, query, arguments, key=export_table.c.id, default_sort="-created_at",
                sortable={"created_at": export_table.c.created_at},
            )  # fmt: skip
        return found.body(_body), 200, found.headers()

    @blueprint.get("/v1/exports/<uuid:export_id>")
    @blueprint.response(200, ExportSchema)
    @permission("exports.write")
    def get_export(export_id: UUID) -> Any:
        """How far it is, its manifest, and where to fetch it."""
        return _body(_export(export_id))


def _fetching(blueprint: Blueprint) -> None:
    @blueprint.get("/v1/exports/<uuid:export_id>/file")
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
    @permission("exports.write")
    def fetch_export(export_id: UUID) -> Any:
        """The file: for the operator who asked and for an admin above; 410 when its time is over."""
        export = _export(export_id)
        if not _may_fetch(export):
            raise not_found("export")
        if _is_over(export):
            raise _gone()
        if export.manifest is None:
            raise Problem(
                409, "not-ready", "Not ready", f"Its job is {export.state}: see /v1/jobs/{export.job_id}.",
                headers={"Retry-After": "2"},
            )  # fmt: skip
        response = _file(export)
        with transaction() as tx:
            _log(tx.session, tx.actor, "export.fetched", export.id, export.resource, export.format)
        return response


def _file(export: Any) -> Response:
    name = exporting.name_of(export)
    path = exporting.folder_of(_settings()).resolve() / name
    sha256 = str(export.manifest["sha256"])
    try:
        response = send_file(
            path, mimetype=MEDIA[export.format], etag=sha256, conditional=True, max_age=0
        )
    except FileNotFoundError as error:
        raise _gone() from error
    response.headers["Cache-Control"] = "no-store"
    # RFC 6266 with the extended form of RFC 8187; RFC 9530 lets the reader check what arrived.
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    return response


def _query() -> Any:
    return select(*export_table.c, job_table.c.state, job_table.c.done, job_table.c.error).join(
        job_table, job_table.c.id == export_table.c.job_id
    )


def _export(export_id: UUID) -> Any:
    scope = principal().scope
    query = _query().where(
        export_table.c.id == export_id, scope.covers(export_table.c.operator_path)
    )
    with _database().transaction(scope) as session:
        found = session.execute(query).one_or_none()
    if found is None:
        raise not_found("export")
    return found


def _may_fetch(export: Any) -> bool:
    caller = principal()
    return bool(caller.role == "admin" or export.operator_id == caller.id)


def _is_over(export: Any) -> bool:
    return bool(export.removed_at is not None or export.expires_at <= datetime.now(UTC))


def _gone() -> Problem:
    return Problem(
        410, "export-gone", "The file is gone",
        "Its time is over, or it was removed with a customer's data. Ask for a new one.",
    )  # fmt: skip


def _body(export: Any) -> dict[str, Any]:
    over = _is_over(export)
    there = export.manifest is not None and not over and _may_fetch(export)
    return {
        **{name: getattr(export, name) for name in NAMES if not name.startswith("operator")},
        "state": "removed" if over else export.state,
        "rows_written": export.manifest["rows"] if export.manifest else export.done,
        "error": export.error,
        "url": f"/v1/exports/{export.id}/file" if there else None,
    }


def _log(
    session: Any, actor: operations.Actor, action: str, export_id: UUID, resource: str, format: str
) -> None:
    operations.record(
        session, actor, action, "export", export_id,
        operator_path=actor.path or operations.SYSTEM_PATH,
        after={"resource": resource, "format": format}, personal=False,
    )  # fmt: skip


def _settings() -> Settings:
    return cast(Settings, current_app.extensions["tenure.settings"])


def _database() -> Database:
    return cast(Database, current_app.extensions["tenure.database"])
