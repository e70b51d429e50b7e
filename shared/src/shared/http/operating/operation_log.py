"""The operations log of the caller's branch, and the proof that nobody changed it (B21, A39)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from sqlalchemy import select, table

from shared import operations
from shared.http.authentication import permission, principal
from shared.http.blueprint import Blueprint
from shared.http.operating.answering import as_json, columns, database, page_of
from shared.http.paging import PlainPageArguments, page
from shared.http.problems import not_found

blueprint = Blueprint("operations", __name__, description="Who did what, append-only and chained")
operation = table(
    "operation",
    *columns("id at actor actor_id action subject_kind subject operator_path ip request_id"),
)
detail = table("operation_detail", *columns("operation_id before after reason"))
SHOWN = ["id", "at", "actor", "action", "subject_kind", "subject", "before", "after", "reason", "ip",
         "request_id"]  # fmt: skip


class OperationSchema(ma.Schema):
    """`before`, `after` and `reason` are null once the subject is erased."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    actor = ma.fields.String(required=True)
    action = ma.fields.String(required=True)
    subject_kind = ma.fields.String(required=True)
    subject = ma.fields.UUID(required=True, allow_none=True)
    before = ma.fields.Dict(required=True, allow_none=True)
    after = ma.fields.Dict(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)
    ip = ma.fields.String(required=True, allow_none=True)
    request_id = ma.fields.String(required=True, allow_none=True)


class VerdictSchema(ma.Schema):
    rows = ma.fields.Integer(required=True)
    intact = ma.fields.Boolean(required=True)
    first_bad = ma.fields.Integer(required=True, allow_none=True)
    operation_id = ma.fields.UUID(required=True, allow_none=True)
    fault = ma.fields.String(required=True, allow_none=True)
    head = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Hash of the last row: note it elsewhere, and compare"},
    )
    head_fits = ma.fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Whether the head that was asked for stands in the chain"},
    )


class VerifyArguments(ma.Schema):
    """A head that was noted elsewhere (`/v1/operations/heads` of customers): both, or neither."""

    position = ma.fields.Integer(validate=ma.validate.Range(min=1))
    hash = ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-f]{64}$"))

    @ma.validates_schema
    def together(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) == 1:
            raise ma.ValidationError("give position and hash together", next(iter(data)))


class HeadArguments(ma.Schema):
    position = ma.fields.Integer(
        validate=ma.validate.Range(min=1),
        metadata={"description": "Of that row; left out: of the last"},
    )


class HeadSchema(ma.Schema):
    position = ma.fields.Integer(required=True)
    hash = ma.fields.String(required=True)
    at = ma.fields.AwareDateTime(required=True)


class OperationArguments(PlainPageArguments):
    subject = ma.fields.UUID()
    actor = ma.fields.String(validate=ma.validate.Length(max=100))
    action = ma.fields.String(validate=ma.validate.Length(max=100))


@blueprint.get("/v1/operations")
@blueprint.arguments(OperationArguments, location="query")
@blueprint.response(200, page_of(OperationSchema))
@permission("operations.read")
def list_operations(arguments: dict[str, Any]) -> Any:
    """The log of the caller's branch, newest first: at, actor, action, subject, before, after, reason."""
    scope = principal().scope
    query = (
        select(operation, detail.c.before, detail.c.after, detail.c.reason)
        .select_from(operation)
        .outerjoin(detail, detail.c.operation_id == operation.c.id)
        .where(scope.covers(operation.c.operator_path))
    )
    for name in ("subject", "actor", "action"):
        if name in arguments:
            query = query.where(operation.c[name] == arguments[name])
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=operation.c.id, default_sort="-at",
            sortable={"at": operation.c.at},
        )  # fmt: skip
    return as_json(found.body(lambda row: {n: getattr(row, n) for n in SHOWN}), found.headers())


@blueprint.get("/v1/operations/verify")
@blueprint.arguments(VerifyArguments, location="query")
@blueprint.response(200, VerdictSchema)
@permission("operations.verify")
def verify_operations(noted: dict[str, Any]) -> Any:
    """Walk the chain; names the first row that was changed, removed or added.

    Who rewrote all of it is found by a head that was noted before: `head_fits` is false.
    """
    with database().transaction() as session:
        operations.seal(session)
        verdict = operations.verify(session)
        stands = operations.head(session, noted["position"]) if noted else None
    fits = (stands is not None and stands.hash == noted["hash"]) if noted else None
    return as_json(vars(verdict) | {"head_fits": fits})


@blueprint.get("/v1/operations/head")
@blueprint.arguments(HeadArguments, location="query")
@blueprint.response(200, HeadSchema)
@permission("events.read")
def head_of_operations(wish: dict[str, Any]) -> Any:
    """Position and hash of the last row of the chain: customers signs it once a day."""
    with database().transaction() as session:
        operations.seal(session)
        found = operations.head(session, wish.get("position"))
    if found is None:
        raise not_found("row of the chain")
    return as_json({"position": found.position, "hash": found.hash, "at": found.at})
