"""What is done with customers: held, activated, postponed, closed, one by one and in bulk."""

from __future__ import annotations

import marshmallow as ma

from customers.deletion import REASONS
from customers.domain import STATUSES
from customers.schemas import fields
from customers.schemas.customers import (
    HOLDS,
    SERVICES,
    BulkCustomerFilters,
    BulkDeletedFilters,
    ResolutionSchema,
)


class NewHoldSchema(ma.Schema):
    kind = fields.one_of(*HOLDS, required=True)
    reason = fields.note(500, allow_none=True, load_default=None)
    until = fields.moment(allow_none=True, load_default=None)


class ActivateSchema(ma.Schema):
    package_id = ma.fields.UUID(allow_none=True, load_default=None)
    renew = ma.fields.Boolean(load_default=True)


class LiftSuspensionSchema(ma.Schema):
    until = fields.moment(required=True)
    reason = fields.note(500, allow_none=True, load_default=None)


class CloseSchema(ma.Schema):
    reason = fields.note(500, load_default="")


class NewAccountSchema(ma.Schema):
    name = fields.line(100, required=True)
    service_type = fields.one_of(*SERVICES, load_default="pppoe")


class AccountSchema(NewAccountSchema):
    id = ma.fields.UUID(required=True)
    state = fields.one_of("open", "stopped", "closed", required=True)
    created_at = ma.fields.DateTime(format="iso", required=True)
    closed_at = ma.fields.DateTime(format="iso", allow_none=True)


class StatusChangeSchema(ma.Schema):
    """As it was shown. `reason`: what decided it, as `status_reason` of the customer; `actor` is `above`
    where an operator above the caller's branch held or lifted.
    """

    status = fields.one_of(*STATUSES, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    since = ma.fields.DateTime(format="iso", required=True)
    actor = ma.fields.String(required=True)


class _Chosen(ma.Schema):
    """`all` asks for `confirm`, such as `DELETE n CUSTOMERS`, unless it is a dry run; a wrong n is
    answered with the right one (D11)."""

    # 10,000 ids are a body of 400 kB; more is what a filter is for.
    ids = ma.fields.List(ma.fields.UUID(), validate=ma.validate.Length(1, 10_000))
    all = ma.fields.Boolean(validate=ma.validate.OneOf([True]))
    confirm = ma.fields.String(validate=ma.validate.Length(1, 100))
    dry_run = ma.fields.Boolean(load_default=False)

    @ma.validates_schema
    def one_way(self, data: dict[str, object], **_: object) -> None:
        if sum(name in data for name in ("ids", "filter", "all")) != 1:
            raise ma.ValidationError("give one of ids, filter and all: true", "ids")
        if data.get("filter") == {}:
            raise ma.ValidationError(
                "give at least one condition, or all: true with confirm", "filter"
            )


class _ChosenCustomers(_Chosen):
    filter = ma.fields.Nested(BulkCustomerFilters)


class BulkDeleteSchema(_ChosenCustomers):
    reason = fields.one_of(*REASONS, required=True)
    note = fields.note(allow_none=True, load_default=None)
    cascade = ma.fields.Boolean(load_default=False)


class BulkHoldSchema(_ChosenCustomers):
    kind = fields.one_of(*HOLDS, required=True)
    reason = fields.note(500, allow_none=True, load_default=None)
    until = fields.moment(allow_none=True, load_default=None)


class BulkActivateSchema(_ChosenCustomers):
    package_id = ma.fields.UUID(allow_none=True, load_default=None)
    renew = ma.fields.Boolean(load_default=True)
    reason = fields.note(500, allow_none=True, load_default=None)


class BulkRestoreSchema(_Chosen):
    filter = ma.fields.Nested(BulkDeletedFilters)
    resolutions = ma.fields.Dict(
        keys=ma.fields.UUID(),
        values=ma.fields.Nested(ResolutionSchema),
        load_default=dict,
    )


class BooksSchema(ma.Schema):
    """Payments' proof of the books at the deletion and after the restore."""

    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["pending", "proved"]),
        metadata={"description": "pending: payments has not told yet"},
    )  # fmt: skip
    before = ma.fields.Dict(keys=ma.fields.String(), allow_none=True)
    after = ma.fields.Dict(keys=ma.fields.String(), allow_none=True)


class IntegritySchema(ma.Schema):
    """The report of the last restore; `checks` by name, all true when `intact`."""

    intact = ma.fields.Boolean(required=True)
    checks = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Boolean(), required=True)
    balance = ma.fields.Dict(keys=ma.fields.String())
    accounts = ma.fields.Dict(keys=ma.fields.String())
    log = ma.fields.Dict(keys=ma.fields.String())
    books = ma.fields.Nested(BooksSchema)
    snapshot_matches = ma.fields.Boolean()
    differs_from_deletion = ma.fields.Dict(keys=ma.fields.String())
    version = ma.fields.Integer(metadata={"description": "the customer's version by the restore"})
