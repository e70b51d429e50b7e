"""Customers, living and deleted, and what is done with them."""

from __future__ import annotations

import ipaddress
from typing import get_args

import marshmallow as ma

from customers.deletion import REASONS
from customers.domain import STATUSES
from customers.schemas import fields
from shared.events import HoldKind
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.http.operating.answering import page_of

KINDS = ("customer", "lead")
SERVICES = ("pppoe", "hotspot", "static", "other")
CONTROLS = ("prepaid", "postpaid")
HOLDS = get_args(HoldKind)


def page_found(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of one page of a list that searches by likeness."""
    plain = page_of(item)
    told = ma.fields.Boolean(
        metadata={"description": "With q: true when nobody fits and these nearly do"}
    )
    return plain.from_dict({"approximate": told}, name=plain.__name__)


def _number(**options: object) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Regexp(r"^[A-Za-z0-9._/-]{1,40}\Z"), **options)  # type: ignore[arg-type]


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ValueError("is not an IP address") from error


class CustomerChangesSchema(ma.Schema):
    customer_number = _number()
    name = fields.line()
    username = fields.username()
    password = fields.password(load_only=True)
    email = fields.email(allow_none=True)
    phone = fields.phone(allow_none=True)
    address = fields.note(500, allow_none=True)
    kind = fields.one_of(*KINDS)
    service_type = fields.one_of(*SERVICES)
    static_address = fields.Kept(_address, 45, allow_none=True)
    class_id = ma.fields.UUID()
    operator_id = ma.fields.UUID()
    package_id = ma.fields.UUID(allow_none=True)
    balance_control = fields.one_of(*CONTROLS)
    credit_limit = fields.money(allow_none=True)
    spending_limit = fields.money(allow_none=True)
    auto_payment = ma.fields.Boolean()
    custom_fields = fields.custom_fields()


class NewCustomerSchema(CustomerChangesSchema):
    name = fields.line(required=True)
    username = fields.username(required=True)
    currency = ma.fields.String(validate=ma.validate.Regexp(r"^[A-Z]{3}\Z"))


class HoldSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    kind = fields.one_of(*HOLDS, required=True)
    reason = ma.fields.String(allow_none=True)
    since = ma.fields.DateTime(format="iso", required=True)
    until = ma.fields.DateTime(format="iso", allow_none=True)
    actor = ma.fields.String(required=True)


class CustomerSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    customer_number = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(allow_none=True)
    kind = fields.one_of(*KINDS, required=True)
    service_type = fields.one_of(*SERVICES, required=True)
    static_address = ma.fields.String(allow_none=True)
    class_id = ma.fields.UUID()
    package_id = ma.fields.UUID(required=True, allow_none=True)
    package_name = ma.fields.String(required=True, allow_none=True)
    operator_id = ma.fields.UUID(required=True)
    operator_name = ma.fields.String(required=True)
    status = fields.one_of(*STATUSES, required=True)
    status_reason = ma.fields.String(required=True, allow_none=True)
    status_since = ma.fields.DateTime(format="iso")
    holds = ma.fields.List(ma.fields.Nested(HoldSchema), required=True)
    balance_control = fields.one_of(*CONTROLS, required=True)
    currency = ma.fields.String(required=True)
    credit_limit = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    balance = ma.fields.Nested(MoneySchema, required=True)
    available_funds = ma.fields.Nested(MoneySchema, required=True)
    auto_payment = ma.fields.Boolean(required=True)
    spending_limit = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    expires_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    lift_suspension_until = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    legal_hold = ma.fields.Dict(allow_none=True)
    custom_fields = ma.fields.Dict(required=True)
    created_at = ma.fields.DateTime(format="iso", required=True)
    updated_at = ma.fields.DateTime(format="iso", required=True)
    version = ma.fields.Integer(required=True)


class CustomerFilters(ma.Schema):
    """What a list, and a bulk action on the same list, may be narrowed by."""

    status = fields.one_of(*STATUSES)
    kind = fields.one_of(*KINDS)
    service_type = fields.one_of(*SERVICES)
    balance_control = fields.one_of(*CONTROLS)
    operator_id = ma.fields.UUID()
    package_id = ma.fields.UUID()
    class_id = ma.fields.UUID()
    hold = fields.one_of(*HOLDS)


class CustomerArguments(PageArguments, CustomerFilters):
    pass


class BulkCustomerFilters(CustomerFilters):
    q = ma.fields.String(validate=ma.validate.Length(1, 200))


class DeletedFilters(ma.Schema):
    reason = fields.one_of(*REASONS)
    deleted_by = ma.fields.String(validate=ma.validate.Length(1, 100))
    operator_id = ma.fields.UUID()
    # `from` is a word of the language.
    since = fields.moment(data_key="from", attribute="from")
    to = fields.moment()


class DeletedArguments(PageArguments, DeletedFilters):
    pass


class BulkDeletedFilters(DeletedFilters):
    q = ma.fields.String(validate=ma.validate.Length(1, 200))


class DeletedSchema(ma.Schema):
    """A12 to A18, and what tells the rows apart."""

    id = ma.fields.UUID(required=True)
    customer_number = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    package_name = ma.fields.String(required=True, allow_none=True)
    operator_name = ma.fields.String(required=True, allow_none=True)
    deleted_at = ma.fields.DateTime(format="iso", required=True)
    deleted_by = ma.fields.String(required=True)
    reason = fields.one_of(*REASONS, required=True)
    note = ma.fields.String(required=True, allow_none=True)
    erase_after = ma.fields.DateTime(format="iso", required=True, allow_none=True)


class DeletionPlanSchema(DeletedSchema):
    """What a deletion would leave: nothing was changed."""

    dry_run = ma.fields.Boolean(required=True, metadata={"enum": [True]})
    deleted_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    deleted_by = ma.fields.String(required=True, allow_none=True)


DELETION = {"anyOf": [DeletedSchema, DeletionPlanSchema]}


class DeletedDetailSchema(DeletedSchema):
    """Also the profile as it lies, the snapshot of that day, and the version to edit.

    `sessions_erase_after`: when what the network keeps goes before the person does (A41).
    `sessions_erased`: the last time that it did, `{removal_id, mode, before, erased_at, rows, digest}`;
    the last three are null until the receipt of radius-sync is there.
    """

    snapshot = ma.fields.Dict(allow_none=True)
    sessions_erase_after = ma.fields.DateTime(format="iso", allow_none=True)
    sessions_erased = ma.fields.Dict(allow_none=True)
    profile = ma.fields.Nested(CustomerSchema)
    version = ma.fields.Integer()


class DeletedChangesSchema(CustomerChangesSchema):
    note = fields.note(allow_none=True)
    reason = fields.one_of(*REASONS)


class DeleteSchema(ma.Schema):
    reason = fields.one_of(*REASONS, required=True)
    note = fields.note(allow_none=True, load_default=None)
    cascade = ma.fields.Boolean(load_default=False)
    dry_run = ma.fields.Boolean(load_default=False)


class ResolutionSchema(ma.Schema):
    """Other values for what is in use by now."""

    username = fields.username()
    email = fields.email(allow_none=True)
    phone = fields.phone(allow_none=True)
    customer_number = _number()
    static_address = fields.Kept(_address, 45, allow_none=True)


class RestoreSchema(ResolutionSchema):
    package_id = ma.fields.UUID()
    activate = ma.fields.Boolean(load_default=False)
    dry_run = ma.fields.Boolean(load_default=False)


class RestoredSchema(CustomerSchema):
    """`integrity` is the machine-made report on the restore (B17-B21)."""

    integrity = ma.fields.Dict(required=True, allow_none=True)


class PlanSchema(ma.Schema):
    """What a restore would do; `errors` must be resolved first."""

    dry_run = ma.fields.Boolean(required=True, metadata={"enum": [True]})
    customer_id = ma.fields.UUID(required=True)
    possible = ma.fields.Boolean(required=True)
    status_after = ma.fields.String()
    changes = ma.fields.Dict()
    errors = ma.fields.List(ma.fields.Dict())
    notes = ma.fields.List(ma.fields.String())


RESTORE = {"anyOf": [RestoredSchema, PlanSchema]}
