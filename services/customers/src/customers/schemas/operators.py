"""Sign-in, operators, API keys, packages, customer classes, settings."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma

from customers.domain import OPERATOR_HOLDS
from customers.schemas import fields
from shared.http import PageArguments
from shared.http.blueprint import MoneySchema
from shared.plan_attributes import fault

USERNAME = r"^[A-Za-z0-9._@-]{1,64}\Z"
ROLES = ("admin", "manager", "reseller")


class CredentialsSchema(ma.Schema):
    username = ma.fields.String(required=True, validate=ma.validate.Length(1, 200))
    password = ma.fields.String(required=True, validate=ma.validate.Length(1, 1000))


class TokenSchema(ma.Schema):
    access_token = ma.fields.String(required=True)
    token_type = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True)


class JsonWebKeySchema(ma.Schema):
    """An Ed25519 key (RFC 8037)."""

    kty = ma.fields.String(required=True)
    crv = ma.fields.String(required=True)
    x = ma.fields.String(required=True)
    kid = ma.fields.String(required=True)
    use = ma.fields.String(required=True)


class JsonWebKeySetSchema(ma.Schema):
    """RFC 7517: the retired too, the newest first."""

    keys = ma.fields.List(ma.fields.Nested(JsonWebKeySchema), required=True)


class OperatorHoldInForceSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    kind = fields.one_of(*OPERATOR_HOLDS, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    since = ma.fields.DateTime(format="iso", required=True)
    until = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    actor = ma.fields.String(required=True)


class OperatorSchema(ma.Schema):
    """`holds`: the kinds in force. One operator by itself has `holds_in_force` too: who set each."""

    id = ma.fields.UUID(required=True)
    username = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    role = fields.one_of(*ROLES, required=True)
    parent_id = ma.fields.UUID(required=True, allow_none=True)
    status = fields.one_of("active", "disabled", required=True)
    holds = ma.fields.List(ma.fields.String())
    holds_in_force = ma.fields.List(ma.fields.Nested(OperatorHoldInForceSchema))
    version = ma.fields.Integer()
    created_at = ma.fields.DateTime(format="iso")
    updated_at = ma.fields.DateTime(format="iso")


class MeSchema(ma.Schema):
    id = ma.fields.UUID(required=True, allow_none=True)
    username = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    parent_id = ma.fields.UUID(allow_none=True)
    status = ma.fields.String()
    operator_path = ma.fields.String(required=True, allow_none=True)
    permissions = ma.fields.List(ma.fields.String(), required=True)


def _secret(**options: object) -> ma.fields.String:
    # NIST SP 800-63B asks for 8 at the least; sign-in here opens other people's data.
    return ma.fields.String(validate=ma.validate.Length(10, 200), load_only=True, **options)  # type: ignore[arg-type]


class OwnPasswordSchema(ma.Schema):
    current = ma.fields.String(required=True, validate=ma.validate.Length(1, 1000), load_only=True)
    new = _secret(required=True)


class NewOperatorSchema(ma.Schema):
    username = ma.fields.String(required=True, validate=ma.validate.Regexp(USERNAME))
    name = fields.line(required=True)
    role = fields.one_of(*ROLES, required=True)
    password = _secret(required=True)
    parent_id = ma.fields.UUID()


class OperatorChangesSchema(ma.Schema):
    name = fields.line()
    role = fields.one_of(*ROLES)
    status = fields.one_of("active", "disabled")
    password = _secret()


class OperatorHoldSchema(ma.Schema):
    kind = fields.one_of(*OPERATOR_HOLDS, required=True)
    reason = fields.note(500)
    until = fields.moment(allow_none=True)


class OperatorArguments(PageArguments):
    role = fields.one_of(*ROLES)
    status = fields.one_of("active", "disabled")
    parent_id = ma.fields.UUID()


class ListedApiKeySchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    prefix = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    expires_at = ma.fields.DateTime(format="iso", allow_none=True)
    revoked_at = ma.fields.DateTime(format="iso", allow_none=True)
    created_at = ma.fields.DateTime(format="iso")


class ApiKeySchema(ListedApiKeySchema):
    key = ma.fields.String(metadata={"description": "The key itself: in this answer only"})


class NewApiKeySchema(ma.Schema):
    name = fields.line(100, required=True)
    scopes = ma.fields.List(
        ma.fields.String(validate=ma.validate.Regexp(r"^(\*|[a-z_]+\.[a-z_]+)\Z")),
        load_default=lambda: ["*"],
        validate=ma.validate.Length(1, 100),
    )
    expires_at = ma.fields.AwareDateTime(allow_none=True, load_default=None)


class PackageSchema(ma.Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    price = ma.fields.Nested(MoneySchema, required=True)
    billing_cycle = fields.one_of("monthly", "daily", required=True)
    download_kbps = ma.fields.Integer(required=True)
    upload_kbps = ma.fields.Integer(required=True)
    validity_days = ma.fields.Integer(required=True)
    operator_id = ma.fields.UUID(required=True, allow_none=True)
    attributes = ma.fields.Dict(required=True)
    retired = ma.fields.Boolean(required=True)
    version = ma.fields.Integer()
    created_at = ma.fields.DateTime(format="iso")
    updated_at = ma.fields.DateTime(format="iso")


def _kbps(**options: object) -> ma.fields.Integer:
    # 100 Gbit/s is beyond every access line.
    return ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 100_000_000), **options)  # type: ignore[arg-type]


class PackageChangesSchema(ma.Schema):
    name = fields.line(100)
    price = fields.money()
    billing_cycle = fields.one_of("monthly", "daily")
    download_kbps = _kbps()
    upload_kbps = _kbps()
    validity_days = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 3660))
    attributes = fields.Keyed(
        keys=ma.fields.String(validate=ma.validate.Regexp(r"^[A-Za-z][A-Za-z0-9-]{0,60}\Z")),
        # RADIUS carries 253 octets; quotes and controls would be executed or break the line (3.6).
        values=ma.fields.String(validate=ma.validate.Regexp(r"^[^\x00-\x1f`\"']{1,250}\Z")),
    )
    retired = ma.fields.Boolean()

    @ma.validates("attributes")
    def sendable(self, attributes: dict[str, str], **_: object) -> None:
        """Refused here, where somebody reads it: radius-sync would only leave it out (B8)."""
        faults = {
            name: [told] for name, value in attributes.items() if (told := fault(name, value))
        }
        if faults:
            raise ma.ValidationError(faults)


class NewPackageSchema(PackageChangesSchema):
    operator_id = ma.fields.UUID(allow_none=True)

    class Meta:
        exclude = ("retired",)

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        field_obj.required = field_name not in ("attributes", "operator_id")


class PackageArguments(PageArguments):
    retired = ma.fields.Boolean()
    operator_id = ma.fields.UUID()


class ClassChangesSchema(ma.Schema):
    overdue_effect = fields.one_of("suspend", "limit")
    suspended_access = fields.one_of("walled", "blocked")
    funds_suspend = ma.fields.Boolean()
    pay_as_you_go = ma.fields.Boolean()
    limited_kbps = _kbps()
    grace_days = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 3660))
    termination_days = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 3660))
    charge_while_suspended = ma.fields.Boolean()
    renews = ma.fields.Boolean()
    retry_limit = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 100))


class NewClassSchema(ClassChangesSchema):
    """What is not said is as the standard class had it at first."""

    name = fields.line(100, required=True)


class ClassSchema(ClassChangesSchema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class SiteChangesSchema(ma.Schema):
    portal_authentication_field = fields.one_of("login", "email")
    deletion_blockers = ma.fields.List(fields.one_of("open_accounts", "open_balance", "legal_hold"))
    reserved_login_days = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 3660))
    lift_suspension_days = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 90))
    lift_suspensions_a_quarter = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 100))
    default_region = ma.fields.String(validate=ma.validate.Regexp(r"^[A-Z]{2}\Z"))
    time_zone = ma.fields.String(validate=ma.validate.Length(1, 60))
    default_currency = ma.fields.String(validate=ma.validate.Regexp(r"^[A-Z]{3}\Z"))
    cooling_hours = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 8760))
    erasure_approval = ma.fields.Boolean()
    purge_paused = ma.fields.Boolean()
    purge_limit = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 100_000))

    @ma.validates("time_zone")
    def known(self, value: str, **_: object) -> None:
        if value not in available_timezones():
            raise ma.ValidationError("is not a time zone of the IANA database")


class SiteSchema(SiteChangesSchema):
    """The settings of the site."""
