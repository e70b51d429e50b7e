"""What the network was told about a login: what goes out."""

from __future__ import annotations

import marshmallow as ma

ACCESSES = ["open", "limited", "walled", "blocked", "removed"]


class AccessRowSchema(ma.Schema):
    """A row of the login in FreeRADIUS' tables; a password is shown as `(sealed)`. In
    `radusergroup`, `op` is the priority and `value` the group."""

    place = ma.fields.String(
        required=True, metadata={"enum": ["radcheck", "radreply", "radusergroup"]}
    )
    attribute = ma.fields.String(required=True)
    op = ma.fields.String(required=True)
    value = ma.fields.String(required=True)


class TargetProgressSchema(ma.Schema):
    """Whether a RADIUS server has this login as it should be, and why not."""

    name = ma.fields.String(required=True)
    applied = ma.fields.Boolean(required=True)
    error = ma.fields.String(required=True, allow_none=True)


class AccessFactsSchema(ma.Schema):
    """What the books said of the customer; the access follows from it."""

    customer_id = ma.fields.UUID(required=True)
    version = ma.fields.Integer(required=True)
    account_version = ma.fields.Integer(required=True)
    operator_path = ma.fields.String(required=True)
    username = ma.fields.String(required=True, allow_none=True)
    standing = ma.fields.String(required=True)
    service_type = ma.fields.String(required=True)
    package_id = ma.fields.UUID(required=True, allow_none=True)
    activated = ma.fields.Boolean(required=True)
    expires_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    holds = ma.fields.List(ma.fields.String(), required=True)
    overdue_effect = ma.fields.String(required=True)
    suspended_access = ma.fields.String(required=True)
    limited_kbps = ma.fields.Integer(required=True)
    lift_suspension_until = ma.fields.AwareDateTime(required=True, allow_none=True)
    balance_control = ma.fields.String(required=True)
    credit_limit = ma.fields.Decimal(as_string=True, required=True, allow_none=True)
    static_address = ma.fields.String(required=True, allow_none=True)
    overdue = ma.fields.Boolean(required=True)
    outstanding = ma.fields.Decimal(as_string=True, required=True, allow_none=True)
    available_funds = ma.fields.Decimal(as_string=True, required=True, allow_none=True)


class SubscriberSchema(ma.Schema):
    """A login: its access and why, its rows as they should be (`desired`) and are (`applied`), how far
    each RADIUS server is, and the facts; these are null when the login is nobody's."""

    username = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    access = ma.fields.String(required=True, metadata={"enum": ACCESSES})
    reason = ma.fields.String(required=True)
    rate = ma.fields.String(required=True, allow_none=True)
    expires_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    changed_at = ma.fields.AwareDateTime(required=True)
    desired = ma.fields.List(ma.fields.Nested(AccessRowSchema), required=True)
    applied = ma.fields.List(ma.fields.Nested(AccessRowSchema), required=True)
    targets = ma.fields.List(ma.fields.Nested(TargetProgressSchema), required=True)
    in_sync = ma.fields.Boolean(required=True)
    facts = ma.fields.Nested(AccessFactsSchema, required=True, allow_none=True)
