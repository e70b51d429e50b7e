"""Erasures and certificates on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.schemas import fields
from customers.schemas.customers import BulkDeletedFilters
from shared.http import PlainPageArguments

MODES = ("pseudonymise", "everything")
STATES = ("cooling", "awaiting_approval", "running", "done", "cancelled", "refused")


class EraseSchema(ma.Schema):
    """`confirm` is the customer number (A34)."""

    confirm = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    mode = fields.one_of(*MODES, load_default="pseudonymise")
    legal_basis = fields.line(500, required=True)


class EraseManySchema(EraseSchema):
    """`confirm` is `ERASE n CUSTOMERS`; a wrong n is answered with the right one (D11, D13)."""

    ids = ma.fields.List(ma.fields.UUID(), validate=ma.validate.Length(1, 10_000))
    filter = ma.fields.Nested(BulkDeletedFilters)
    all = ma.fields.Boolean(validate=ma.validate.OneOf([True]))

    @ma.validates_schema
    def one_way(self, data: dict[str, object], **_: object) -> None:
        if sum(name in data for name in ("ids", "filter", "all")) != 1:
            raise ma.ValidationError("give one of ids, filter and all: true", "ids")


class ErasureSchema(ma.Schema):
    """`receipts` per service: `subjects` answered, and `rows` gone per table (for up to 1,000
    subjects; beyond, the certificate adds them up). `leftovers`: what was found afterwards; its `hits` keep a
    `running` erasure from its certificate, and say what to do. `accepted`: by whom, when and why it was
    taken as it stands. `searches`: what each of the other services found in its tables, null while it is
    awaited."""

    id = ma.fields.UUID(required=True)
    state = fields.one_of(*STATES, required=True)
    mode = fields.one_of(*MODES, required=True)
    legal_basis = ma.fields.String(required=True)
    source = fields.one_of("request", "retention", "replay", required=True)
    requested_by = ma.fields.String(required=True)
    created_at = ma.fields.DateTime(format="iso", required=True)
    approved_by = ma.fields.String(required=True, allow_none=True)
    approved_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    cancelled_by = ma.fields.String(required=True, allow_none=True)
    runs_at = ma.fields.DateTime(format="iso", required=True)
    total = ma.fields.Integer(required=True)
    done = ma.fields.Integer(required=True)
    refused = ma.fields.Integer(required=True)
    exports_removed = ma.fields.Integer(required=True)
    leftovers = ma.fields.Dict(required=True, allow_none=True)
    accepted = ma.fields.Dict(required=True, allow_none=True)
    finished_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    receipts = ma.fields.Dict()
    searches = ma.fields.Dict()


class AcceptSchema(ma.Schema):
    """Why what was found is not the person, or cannot be removed: it stands in the certificate."""

    reason = fields.line(500, required=True)


class ErasureArguments(PlainPageArguments):
    state = fields.one_of(*STATES)


class SubjectSchema(ma.Schema):
    """`billing_…`: when payments was asked to remove bills and payments as well, by the retention policy,
    and its receipt."""

    customer_id = ma.fields.UUID(required=True)
    state = fields.one_of("waiting", "erasing", "done", "refused", required=True)
    detail = ma.fields.String(required=True, allow_none=True)
    finished_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    billing_asked_at = ma.fields.DateTime(format="iso", allow_none=True)
    billing_erased_at = ma.fields.DateTime(format="iso", allow_none=True)
    billing_rows = ma.fields.Dict(allow_none=True)
    billing_digest = ma.fields.String(allow_none=True)


class SubjectArguments(PlainPageArguments):
    state = fields.one_of("waiting", "erasing", "done", "refused")


class CertificateSchema(ma.Schema):
    """`signature`: a detached JWS (RFC 7515, appendix F) over `document` as RFC 8785 JSON."""

    document = ma.fields.Dict(required=True)
    signature = ma.fields.String(required=True)
    kid = ma.fields.String(required=True)
    at = ma.fields.DateTime(format="iso", required=True)
