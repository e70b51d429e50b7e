"""A customer as of a past moment, on the wire."""

from __future__ import annotations

from datetime import datetime

import marshmallow as ma

from customers.domain import STATUSES, now
from customers.schemas import fields
from customers.schemas.customers import HoldSchema


def _past(moment: datetime) -> None:
    if moment > now():
        raise ma.ValidationError("must not lie in the future")


class AsOfArguments(ma.Schema):
    """Without `at`: as of now."""

    at = fields.moment(load_default=now, validate=_past)


class AsOfSchema(ma.Schema):
    """`status` as it was shown. `holds` are the customer's own; `inherited` are the kinds of those that
    stood on operators above.

    `profile` has what the log remembers: number, name, login, addresses, package, ends.
    """

    id = ma.fields.UUID(required=True)
    at = ma.fields.DateTime(format="iso", required=True)
    deleted = ma.fields.Boolean(required=True)
    status = fields.one_of(*STATUSES, required=True)
    status_reason = ma.fields.String(required=True, allow_none=True)
    status_since = ma.fields.DateTime(format="iso", required=True, allow_none=True)
    holds = ma.fields.List(ma.fields.Nested(HoldSchema), required=True)
    inherited = ma.fields.List(ma.fields.String(), required=True)
    profile = ma.fields.Dict(required=True)
