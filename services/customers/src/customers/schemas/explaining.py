"""Why a customer is offline: what goes out."""

from __future__ import annotations

import marshmallow as ma


class ReasonSchema(ma.Schema):
    """Of the books: `status` and what made it so (`reason`). `detail` says who, how much and until when, as
    far as the caller may know; `at` since when."""

    source = ma.fields.String(required=True, metadata={"enum": ["books", "network"]})
    code = ma.fields.String(required=True)
    status = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)
    detail = ma.fields.String(required=True, allow_none=True)
    what_to_do = ma.fields.String(required=True)
    at = ma.fields.DateTime(format="iso", required=True, allow_none=True)


class NetworkSchema(ma.Schema):
    """`asked`: radius-sync has answered. When not, `online` is null and `detail` says why."""

    service = ma.fields.String(required=True)
    subscriber = ma.fields.String(required=True)
    sessions = ma.fields.String(required=True)
    asked = ma.fields.Boolean(required=True)
    online = ma.fields.Boolean(required=True, allow_none=True)
    detail = ma.fields.String(required=True, allow_none=True)
    what_to_do = ma.fields.String(required=True, allow_none=True)


class WhyOfflineSchema(ma.Schema):
    """The books' reasons, the strongest first, then the network's. `online_possible` is the books'."""

    customer_id = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True)
    online_possible = ma.fields.Boolean(required=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    network = ma.fields.Nested(NetworkSchema, required=True)
