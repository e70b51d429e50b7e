"""Sessions, how they were ended, and their sums: what goes out."""

from __future__ import annotations

import marshmallow as ma

from shared.http.operating.answering import page_of

STATES = ["due", "sent", "acked", "gone", "failed", "cancelled", "deferred", "done"]


class SessionSchema(ma.Schema):
    """`customer_id`: whose the login was when the session began; null when it was nobody's. `nas_id`
    and `nas_name` are null where no NAS of this address is registered."""

    id = ma.fields.Integer(required=True)
    session_id = ma.fields.String(required=True)
    username = ma.fields.String(required=True, allow_none=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    nas_id = ma.fields.UUID(required=True, allow_none=True)
    nas_name = ma.fields.String(required=True, allow_none=True)
    nas_address = ma.fields.String(required=True)
    nas_port = ma.fields.String(required=True, allow_none=True)
    framed_address = ma.fields.String(required=True, allow_none=True)
    calling_station_id = ma.fields.String(required=True, allow_none=True)
    started_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    updated_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    stopped_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    open = ma.fields.Boolean(required=True)
    seconds = ma.fields.Integer(required=True, allow_none=True)
    upload_octets = ma.fields.Integer(required=True, allow_none=True)
    download_octets = ma.fields.Integer(required=True, allow_none=True)
    terminate_cause = ma.fields.String(required=True, allow_none=True)


SessionPageSchema = page_of(SessionSchema)


class UsageSumSchema(ma.Schema):
    """Of the days `from` to `to`, both included; `sessions` counts those that began."""

    first = ma.fields.Date(required=True, data_key="from")
    last = ma.fields.Date(required=True, data_key="to")
    sessions = ma.fields.Integer(required=True)
    seconds = ma.fields.Integer(required=True)
    upload_octets = ma.fields.Integer(required=True)
    download_octets = ma.fields.Integer(required=True)


# The sessions themselves, or with `period` their sums: an empty page is both.
USAGE = {"anyOf": [SessionPageSchema, page_of(UsageSumSchema)]}


class DisconnectAttemptSchema(ma.Schema):
    """`code` and `error_cause` are what the NAS answered; null when it did not, or gave none."""

    id = ma.fields.Integer(required=True)
    order_id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    result = ma.fields.String(required=True)
    code = ma.fields.Integer(required=True, allow_none=True)
    error_cause = ma.fields.Integer(required=True, allow_none=True)
    rtt_ms = ma.fields.Float(required=True, allow_none=True)
    transmissions = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)


class DisconnectFields(ma.Schema):
    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": ["disconnect", "coa"]})
    change = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    state = ma.fields.String(required=True, metadata={"enum": STATES})
    username = ma.fields.String(required=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    nas_address = ma.fields.String(required=True)
    acctsessionid = ma.fields.String(required=True)
    session_started_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    confirmed_by = ma.fields.String(required=True, allow_none=True)
    outcome = ma.fields.String(required=True, allow_none=True)
    advice = ma.fields.String(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    finished_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    last_attempt = ma.fields.Nested(DisconnectAttemptSchema, required=True, allow_none=True)


class DisconnectSchema(DisconnectFields):
    """`attempts`: how many there were."""

    attempts = ma.fields.Integer(required=True)


class DisconnectDetailSchema(DisconnectFields):
    """`attempts`: each of them, the oldest first."""

    attempts = ma.fields.List(ma.fields.Nested(DisconnectAttemptSchema), required=True)
