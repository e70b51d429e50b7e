"""Retention policies and legal holds on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.deletion import REASONS
from customers.schemas import fields
from customers.schemas.erasures import MODES


class PolicySchema(ma.Schema):
    """`retain_days` null: kept until somebody erases by hand. `sessions_days`: how long what the network
    keeps of a deleted customer's sessions is kept; at most `retain_days`; null: as long as the person.
    `billing_days`: how long bills and payments of nobody are kept after a `pseudonymise`; at least
    `retain_days`; null: for good. One that is not given is as before."""

    reason = fields.one_of(*REASONS, required=True)
    retain_days = ma.fields.Integer(
        strict=True, required=True, allow_none=True, validate=ma.validate.Range(0, 36_500)
    )
    sessions_days = ma.fields.Integer(
        strict=True, allow_none=True, validate=ma.validate.Range(0, 36_500)
    )
    billing_days = ma.fields.Integer(
        strict=True, allow_none=True, validate=ma.validate.Range(0, 36_500)
    )
    mode = fields.one_of(*MODES, load_default="pseudonymise")


class PoliciesSchema(ma.Schema):
    items = ma.fields.List(
        ma.fields.Nested(PolicySchema), required=True, validate=ma.validate.Length(1, len(REASONS))
    )

    @ma.validates_schema
    def once(self, data: dict[str, list[dict[str, object]]], **_: object) -> None:
        if len({item["reason"] for item in data["items"]}) != len(data["items"]):
            raise ma.ValidationError("name each reason once", "items")


class PoliciesFoundSchema(ma.Schema):
    """`overdue`: the purge has not run for 26 hours. `sessions_unanswered`: claims of sessions that
    radius-sync has not answered for a day, `billing_unanswered` those of billing that payments has not.
    `job_id`: counts anew for those deleted already."""

    items = ma.fields.List(ma.fields.Dict(), required=True)
    last_run_at = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    last_run = ma.fields.Dict(required=True, allow_none=True)
    overdue = ma.fields.Boolean(required=True)
    paused = ma.fields.Boolean(required=True)
    sessions_unanswered = ma.fields.Integer(required=True)
    billing_unanswered = ma.fields.Integer(required=True)
    job_id = ma.fields.UUID(allow_none=True)


class PreviewArguments(ma.Schema):
    """What if: `reason` with `retain_days` (or `never=true`), `sessions_days`, `billing_days`, or several,
    as if that policy held."""

    until = ma.fields.AwareDateTime()
    reason = fields.one_of(*REASONS)
    retain_days = ma.fields.Integer(validate=ma.validate.Range(0, 36_500))
    never = ma.fields.Boolean()
    sessions_days = ma.fields.Integer(validate=ma.validate.Range(0, 36_500))
    billing_days = ma.fields.Integer(validate=ma.validate.Range(0, 36_500))

    @ma.validates_schema
    def together(self, data: dict[str, object], **_: object) -> None:
        person = ("retain_days" in data) + ("never" in data)
        asked = person or data.keys() & {"sessions_days", "billing_days"}
        if person > 1 or ("reason" in data) != bool(asked):
            raise ma.ValidationError(
                "goes with one of retain_days and never, with sessions_days, billing_days, or several",
                "reason",
            )


class PreviewSchema(ma.Schema):
    until = ma.fields.DateTime(format="iso", required=True)
    would_erase = ma.fields.Integer(required=True)
    would_erase_sessions = ma.fields.Integer(required=True)
    would_erase_billing = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Dict(), required=True)


class NewLegalHoldSchema(ma.Schema):
    case = fields.line(200, required=True)
    until = ma.fields.AwareDateTime(allow_none=True, load_default=None)


class LegalHoldSchema(ma.Schema):
    case = ma.fields.String(required=True, allow_none=True)
    until = ma.fields.String(required=True, allow_none=True)
    by = ma.fields.String(required=True, allow_none=True)
    at = ma.fields.String(required=True, allow_none=True)
