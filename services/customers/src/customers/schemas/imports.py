"""Imports on the wire: the file is the body, what to do with it the query."""

from __future__ import annotations

import marshmallow as ma
import orjson

from shared.http.operating import JobSchema


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
