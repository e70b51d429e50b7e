"""What comes in over HTTP, and what goes out."""

from __future__ import annotations

import ipaddress
from typing import Any

import marshmallow as ma

from radius_sync.rlm_sql import Form
from radius_sync.vendors import VENDORS, Strategy
from shared.http import PageArguments, PlainPageArguments

# Shorter ones can be guessed from one captured packet (RFC 2865 section 3: at least 16 octets).
SECRET_OCTETS = 16
_LIST_NAME = ma.validate.Regexp(r"^[A-Za-z0-9._-]{1,64}$")


def check_address(text: str, *, loopback: bool) -> None:
    """An address a NAS can have (B26). Loopback only where the demo's NAS is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ma.ValidationError("must be an IP address, not a name or a network") from None
    last = address.version == 4 and int(address) & 0xFF == 0xFF
    if address.is_loopback and not loopback:
        raise ma.ValidationError("must not be a loopback address")
    if address.is_multicast or address.is_unspecified or address.is_link_local or last:
        raise ma.ValidationError("must be the address of one machine")


class NasFields(ma.Schema):
    name = ma.fields.String(validate=ma.validate.Length(min=1, max=100))
    secret = ma.fields.String(load_only=True, validate=ma.validate.Length(min=1, max=253))
    vendor = ma.fields.String(validate=ma.validate.OneOf(sorted(VENDORS)))
    coa_port = ma.fields.Integer(strict=True, validate=ma.validate.Range(min=1, max=65535))
    strategy = ma.fields.String(validate=ma.validate.OneOf([s.value for s in Strategy]))
    in_flight = ma.fields.Integer(strict=True, validate=ma.validate.Range(min=1, max=200))
    pacing = ma.fields.Float(
        allow_none=True, validate=ma.validate.Range(min=0, min_inclusive=False, max=10000)
    )
    require_ma = ma.fields.Boolean()
    require_ma_reply = ma.fields.Boolean()
    walled_list = ma.fields.String(validate=_LIST_NAME)
    open_list = ma.fields.String(validate=_LIST_NAME)
    rate_policy = ma.fields.String(
        validate=_LIST_NAME, allow_none=True,
        metadata={"description": "what the NAS calls the service that takes rates as"
                  " arguments (Juniper), or how the names of its policy maps begin (Cisco)"},
    )  # fmt: skip

    sessions_url = ma.fields.String(
        validate=ma.validate.Length(min=1, max=500), allow_none=True,
        metadata={"description": "where a GET answers the list of the live sessions of the NAS"},
    )  # fmt: skip
    sessions_token = ma.fields.String(
        load_only=True, allow_none=True, validate=ma.validate.Length(min=1, max=500),
        metadata={"description": "sent as Bearer to sessions_url; another url forgets it"},
    )  # fmt: skip

    @ma.validates("secret", "name")
    def printable(self, value: str, **_: Any) -> None:
        if not value.isprintable() or value != value.strip():
            raise ma.ValidationError("must be printable, without spaces at its ends")


class NasChangeSchema(NasFields):
    """PATCH: what is named changes."""


class NasNewSchema(NasFields):
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    address = ma.fields.String(required=True, validate=ma.validate.Length(max=45))
    secret = ma.fields.String(
        required=True, load_only=True, validate=ma.validate.Length(min=1, max=253)
    )


class NasWarningSchema(ma.Schema):
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class NasSchema(ma.Schema):
    """`state`: `reachable`, `silent` (its breaker is open), or `unknown` until it has answered.
    `warnings`: what it cannot do as it is registered, and what to do about it. `sessions_…`: what it
    listed when it was last asked for its sessions, or why it did not.
    """

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    address = ma.fields.String(required=True)
    vendor = ma.fields.String(required=True)
    coa_port = ma.fields.Integer(required=True)
    strategy = ma.fields.String(required=True)
    in_flight = ma.fields.Integer(required=True)
    pacing = ma.fields.Float(allow_none=True, required=True)
    require_ma = ma.fields.Boolean(required=True)
    require_ma_reply = ma.fields.Boolean(required=True)
    walled_list = ma.fields.String(required=True)
    open_list = ma.fields.String(required=True)
    rate_policy = ma.fields.String(allow_none=True, required=True)
    warnings = ma.fields.List(ma.fields.Nested(NasWarningSchema), required=True)
    state = ma.fields.String(required=True)
    sessions_url = ma.fields.String(allow_none=True, required=True)
    sessions_state = ma.fields.String(
        metadata={"enum": ["unknown", "listed", "silent"]}, required=True
    )
    sessions_listed = ma.fields.Integer(allow_none=True, required=True)
    sessions_listed_at = ma.fields.DateTime(allow_none=True, required=True)
    sessions_error = ma.fields.String(allow_none=True, required=True)
    last_answer_at = ma.fields.DateTime(allow_none=True, required=True)
    created_at = ma.fields.DateTime(required=True)


class NasTestSchema(ma.Schema):
    """`requires`: without these the NAS does not answer; null when it does not answer at all.
    `clock_skew_seconds`: about how far its clock is ahead, when that is why it is silent."""

    works = ma.fields.Boolean()
    result = ma.fields.String()
    code = ma.fields.Integer(allow_none=True)
    error_cause = ma.fields.Integer(allow_none=True)
    round_trip_ms = ma.fields.Float(allow_none=True)
    secret = ma.fields.String(metadata={"enum": ["same", "different", "unknown"]})
    clock_skew_seconds = ma.fields.Float(allow_none=True)
    requires = ma.fields.List(ma.fields.String(), allow_none=True)
    advice = ma.fields.String()
    warnings = ma.fields.List(ma.fields.Nested(NasWarningSchema))


class SubscriberArguments(PageArguments):
    access = ma.fields.String(
        validate=ma.validate.OneOf(["open", "limited", "walled", "blocked", "removed"])
    )
    customer_id = ma.fields.UUID()


class WalledPoolSchema(ma.Schema):
    pool = ma.fields.String(required=True, allow_none=True, validate=_LIST_NAME)


class WalledCauseSchema(WalledPoolSchema):
    reason = ma.fields.String()


class WalledGardenSchema(ma.Schema):
    causes = ma.fields.List(ma.fields.Nested(WalledCauseSchema))


class DecisionArguments(ma.Schema):
    """`password_form`: how the NAS passes the password on."""

    password_form = ma.fields.String(
        load_default="pap", validate=ma.validate.OneOf([form.value for form in Form])
    )
    nas_id = ma.fields.UUID()
    called_station_id = ma.fields.String(validate=ma.validate.Length(min=1, max=253))


class RowSchema(ma.Schema):
    """A row of FreeRADIUS' tables; a password is shown as `(sealed)`."""

    table = ma.fields.String()
    id = ma.fields.Integer()
    group = ma.fields.String(allow_none=True)
    attribute = ma.fields.String()
    op = ma.fields.String()
    value = ma.fields.String()


class DecidedAttributeSchema(ma.Schema):
    name = ma.fields.String()
    value = ma.fields.String()
    row = ma.fields.Nested(RowSchema, allow_none=True)


class StepSchema(ma.Schema):
    text = ma.fields.String()
    row = ma.fields.Nested(RowSchema, allow_none=True)


class DecisionSchema(ma.Schema):
    username = ma.fields.String()
    password_form = ma.fields.String()
    answer = ma.fields.String(metadata={"enum": ["accept", "reject"]})
    reason = ma.fields.String()
    attributes = ma.fields.List(ma.fields.Nested(DecidedAttributeSchema))
    deciding_rows = ma.fields.List(ma.fields.Nested(RowSchema))
    steps = ma.fields.List(ma.fields.Nested(StepSchema))


class SessionArguments(PlainPageArguments):
    username = ma.fields.String(validate=ma.validate.Length(min=1, max=64))
    nas_id = ma.fields.UUID()
    customer_id = ma.fields.UUID()
    open = ma.fields.Boolean()


class DisconnectArguments(PlainPageArguments):
    state = ma.fields.String(validate=ma.validate.Length(max=20))
    username = ma.fields.String(validate=ma.validate.Length(min=1, max=64))
    customer_id = ma.fields.UUID()


class UsageArguments(PlainPageArguments):
    """With `period` sums by day or month, else the sessions themselves; `from` and `to` are days of
    the site's time zone, both included."""

    customer_id = ma.fields.UUID(required=True)
    first = ma.fields.Date(data_key="from")
    last = ma.fields.Date(data_key="to")
    period = ma.fields.String(validate=ma.validate.OneOf(["day", "month"]))


class WhoHadArguments(ma.Schema):
    address = ma.fields.IP(required=True)
    at = ma.fields.AwareDateTime(metadata={"description": "now, when it is not given"})


class ReasonSchema(ma.Schema):
    reason = ma.fields.String(load_default="", validate=ma.validate.Length(max=500))


class StormSchema(ma.Schema):
    """`waiting`: cut-offs not sent yet, counted up to 100,000."""

    state = ma.fields.String(metadata={"enum": ["calm", "pacing", "released", "stopped"]})
    since = ma.fields.DateTime()
    decided_by = ma.fields.String(allow_none=True)
    waiting = ma.fields.Integer()
    threshold = ma.fields.Integer()
    window_seconds = ma.fields.Integer()
    per_second = ma.fields.Float()


class StormChangeSchema(ma.Schema):
    threshold = ma.fields.Integer(strict=True, validate=ma.validate.Range(min=1, max=10_000_000))
    window_seconds = ma.fields.Integer(strict=True, validate=ma.validate.Range(min=1, max=3600))
    per_second = ma.fields.Float(validate=ma.validate.Range(min=0.1, max=10_000))


class ReconcileSchema(ma.Schema):
    heal = ma.fields.Boolean(required=True)
