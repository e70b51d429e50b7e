"""Why a login is offline: what goes out."""

from __future__ import annotations

import marshmallow as ma


class NetworkReasonSchema(ma.Schema):
    """`code` is stable, `detail` and `what_to_do` are for people; `at` is null when unknown."""

    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    what_to_do = ma.fields.String(required=True)
    at = ma.fields.DateTime(format="iso", required=True, allow_none=True)


class WhyOfflineSchema(ma.Schema):
    """The reasons stand in their order; empty when the login is online."""

    username = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    online = ma.fields.Boolean(required=True)
    reasons = ma.fields.List(ma.fields.Nested(NetworkReasonSchema), required=True)
