"""Preferences and views on the wire."""

from __future__ import annotations

import marshmallow as ma

from customers.schemas import fields
from customers.schemas.customers import CustomerSchema, DeletedSchema
from shared.http import PlainPageArguments
from shared.http.paging import MOST

NAME = r"^[a-z][a-z0-9_-]{0,59}\Z"
# Of the tables of this service; a table of another one, or of a front end, has what they give it.
COLUMNS = {
    "customers": frozenset(CustomerSchema().fields),
    "deleted_customers": frozenset(DeletedSchema().fields),
}
STYLES = ("comfortable", "compact", "striped")


class ShownSchema(ma.Schema):
    """`columns` are those shown, in their order (C49, C51); null: all, as the table has them."""

    columns = ma.fields.List(
        ma.fields.String(validate=ma.validate.Regexp(NAME)),
        allow_none=True,
        validate=ma.validate.Length(1, 100),
    )
    sort = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Regexp(r"^-?[a-z][a-z0-9_]{0,59}(,-?[a-z_0-9]{1,60}){0,4}\Z"),
    )
    row_style = fields.one_of(*STYLES)

    @ma.validates_schema
    def once(self, data: dict[str, list[str]], **_: object) -> None:
        columns = data.get("columns") or []
        if len(set(columns)) != len(columns):
            raise ma.ValidationError("name each column once", "columns")


class PreferenceSchema(ShownSchema):
    """`page_size` is one for all tables (C53 to C55)."""

    page_size = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, MOST))


class PreferenceFoundSchema(PreferenceSchema):
    table = ma.fields.String(required=True)


class ViewChangesSchema(ShownSchema):
    """What is left out stays as it is; a view keeps its table."""

    name = fields.line(100)
    shared = ma.fields.Boolean()
    filter = ma.fields.Dict(keys=ma.fields.String(validate=ma.validate.Length(1, 60)))

    @ma.validates("filter")
    def plain(self, value: dict[str, object], **_: object) -> None:
        for inner in value.values():
            if not isinstance(inner, str | int | bool | None) or len(str(inner)) > 200:
                raise ma.ValidationError("values are short texts, whole numbers, true, false, null")
        if len(value) > 30:
            raise ma.ValidationError("at most 30 filters")


class NewViewSchema(ViewChangesSchema):
    table = ma.fields.String(required=True, validate=ma.validate.Regexp(NAME))
    name = fields.line(100, required=True)
    shared = ma.fields.Boolean(load_default=False)
    filter = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(1, 60)), load_default=dict
    )


class ViewSchema(NewViewSchema):
    """`shared`: with everybody at or below the operator who saved it."""

    id = ma.fields.UUID(required=True)
    operator_id = ma.fields.UUID(required=True)
    version = ma.fields.Integer(required=True)
    created_at = ma.fields.DateTime(format="iso", required=True)


class ViewArguments(PlainPageArguments):
    table = ma.fields.String(validate=ma.validate.Regexp(NAME))
