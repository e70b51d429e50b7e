"""RADIUS servers: what comes in, what goes out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class TargetRadiusSchema(ma.Schema):
    """Where the RADIUS server of a target is asked whether it is there (Status-Server, RFC 5997)."""

    address = ma.fields.IP(required=True)
    port = ma.fields.Integer(
        strict=True, load_default=1812, validate=ma.validate.Range(min=1, max=65535)
    )
    secret = ma.fields.String(
        required=True, load_only=True, validate=ma.validate.Length(min=1, max=253)
    )


class TargetNewSchema(ma.Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Regexp(r"^[a-z0-9-]{1,40}$"))
    address = ma.fields.String(
        required=True, load_only=True, validate=ma.validate.Length(max=500),
        metadata={"description": "postgresql://USER:PASSWORD@HOST:PORT/DATABASE of its FreeRADIUS"},
    )  # fmt: skip

    radius = ma.fields.Nested(TargetRadiusSchema, allow_none=True)

    @ma.validates("address")
    def is_postgresql(self, value: str, **_: Any) -> None:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            url = None
        if (
            url is None
            or not url.drivername.startswith("postgresql")
            or not (url.host and url.username and url.database and not url.query)
        ):
            raise ma.ValidationError("must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


class TargetChangeSchema(ma.Schema):
    """PATCH: what is named changes."""

    enabled = ma.fields.Boolean()
    radius = ma.fields.Nested(TargetRadiusSchema, allow_none=True)


class FindingSchema(ma.Schema):
    code = ma.fields.String()
    place = ma.fields.String()
    fault = ma.fields.String()
    fix = ma.fields.String()


class DiagnosisSchema(ma.Schema):
    healthy = ma.fields.Boolean()
    findings = ma.fields.List(ma.fields.Nested(FindingSchema))


class RadiusServerSchema(ma.Schema):
    """What it last answered to Status-Server: its clock is `clock_skew_seconds` ahead of ours."""

    address = ma.fields.String(required=True)
    port = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, metadata={"enum": ["unknown", "answering", "silent"]})
    clock_skew_seconds = ma.fields.Float(required=True, allow_none=True)
    seen_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class TargetSchema(ma.Schema):
    """`health`: `away` when the last try to reach its database failed, with `error`. `pending`: logins
    still to copy, counted up to 10,000. `radius` is null where no RADIUS server is asked."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    embedded = ma.fields.Boolean(required=True)
    enabled = ma.fields.Boolean(required=True)
    health = ma.fields.String(required=True, metadata={"enum": ["well", "away", "disabled"]})
    error = ma.fields.String(required=True, allow_none=True)
    failures = ma.fields.Integer(required=True)
    pending = ma.fields.Integer(required=True)
    applied_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    radius = ma.fields.Nested(RadiusServerSchema, required=True, allow_none=True)
