"""Reports of drift: what goes out."""

from __future__ import annotations

import marshmallow as ma


class ReconciliationSchema(ma.Schema):
    """`drift`: how many differences, by target and class (`main.missing_row`); `checked`: logins."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True, allow_none=True)
    heal = ma.fields.Boolean(required=True)
    actor = ma.fields.String(required=True)
    started_at = ma.fields.AwareDateTime(required=True)
    finished_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    checked = ma.fields.Integer(required=True)
    drift = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    healed = ma.fields.Integer(required=True)


class DriftSchema(ma.Schema):
    """One difference between books and network; `customer_id` is null for what is nobody's."""

    target = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, data_key="class")
    username = ma.fields.String(required=True, allow_none=True)
    customer_id = ma.fields.UUID(required=True, allow_none=True)
    detail = ma.fields.String(required=True)
    healed = ma.fields.Boolean(required=True)


class ReconciliationReportSchema(ReconciliationSchema):
    """With the first thousand differences."""

    rows = ma.fields.List(ma.fields.Nested(DriftSchema), required=True)
