"""Imports on the wire: the file is the body, what to do with it the query."""

from __future__ import annotations

import marshmallow as ma
import orjson

from shared.http.operating.job_routes import STATES, JobSchema


class ColumnMap(ma.fields.Field[dict[str, str]]):
    """A JSON object in the query: header → field; an empty field leaves the column out."""

    def _deserialize(
        self, value: object, attr: object, data: object, **_: object
    ) -> dict[str, str]:
        try:
            found = orjson.loads(str(value))
        except orjson.JSONDecodeError as error:
            raise ma.ValidationError("give a JSON object: header to field") from error
        if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            raise ma.ValidationError("give a JSON object: header to field")
        return found


class ImportArguments(ma.Schema):
    """`dry_run`: every row is checked and none is kept. `operator_id`: whose customers they become."""

    dry_run = ma.fields.Boolean(load_default=False)
    operator_id = ma.fields.UUID()
    map = ColumnMap(load_default=dict, validate=ma.validate.Length(max=100))


class AcceptedImportSchema(JobSchema):
    """The job; its rows give a verdict per line. How the columns were understood."""

    import_id = ma.fields.UUID(required=True)
    mapping = ma.fields.Dict(required=True)
    ignored_columns = ma.fields.List(ma.fields.String(), required=True)
    rows = ma.fields.Integer(required=True)


class ColumnSchema(ma.Schema):
    """`field` is what the header suggests; `examples` are the first values in it, none of passwords."""

    header = ma.fields.String(required=True)
    field = ma.fields.String(required=True, allow_none=True)
    examples = ma.fields.List(ma.fields.String(), required=True)


class ColumnsSchema(ma.Schema):
    """`fields` are those that a column may become, `required` those without which there is no import."""

    columns = ma.fields.List(ma.fields.Nested(ColumnSchema), required=True)
    fields_ = ma.fields.List(ma.fields.String(), required=True, data_key="fields")
    required = ma.fields.List(ma.fields.String(), required=True)
    rows = ma.fields.Integer(required=True)


class ImportSchema(ma.Schema):
    """`dry_run`: so far it is a trial; `state`, `done` and `failed` are those of its job, the latest."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    format = ma.fields.String(required=True)
    mapping = ma.fields.Dict(required=True)
    dry_run = ma.fields.Boolean(required=True)
    rows = ma.fields.Integer(required=True)
    actor = ma.fields.String(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    done = ma.fields.Integer(required=True)
    failed = ma.fields.Integer(required=True)
