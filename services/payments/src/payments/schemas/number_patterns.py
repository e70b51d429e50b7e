"""Patterns of numbers as they come in and go out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from payments.series import KINDS, LONGEST, BadPattern, check
from shared.http import PageArguments
from shared.http.operating.answering import page_of


def _understood(pattern: str) -> None:
    try:
        check(pattern)
    except BadPattern as error:
        raise ma.ValidationError(str(error)) from error


def _pattern() -> ma.fields.String:
    return ma.fields.String(
        load_default=None, allow_none=True,
        validate=[ma.validate.Length(max=LONGEST), _understood],
        metadata={"example": "NB/{year}/{number:06d}"},
    )  # fmt: skip


class PatternsRequestSchema(ma.Schema):
    """`{operator}`, `{year}` and `{number}`; null or left out: the one above, else the site's."""

    receipt = _pattern()
    bill = _pattern()
    proforma = _pattern()
    credit = _pattern()


class _PatternsSchema(ma.Schema):
    receipt = ma.fields.String(required=True, allow_none=True)
    bill = ma.fields.String(required=True, allow_none=True)
    proforma = ma.fields.String(required=True, allow_none=True)
    credit = ma.fields.String(required=True, allow_none=True)


class ListedPatternsSchema(_PatternsSchema):
    """The operator's own; null: none."""

    operator_id = ma.fields.UUID(required=True)
    operator_name = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class InForceSchema(ma.Schema):
    """Those that the next numbers are made with."""

    receipt = ma.fields.String(required=True)
    bill = ma.fields.String(required=True)
    proforma = ma.fields.String(required=True)
    credit = ma.fields.String(required=True)


class PatternsSchema(ListedPatternsSchema):
    in_force = ma.fields.Nested(InForceSchema, required=True)


class PatternsArguments(PageArguments):
    """Operators with patterns of their own, from the root of the tree down."""

    class Meta:
        exclude = ("q",)


PatternsPageSchema = page_of(ListedPatternsSchema)


def listed(row: Any) -> dict[str, Any]:
    return {
        "operator_id": row.operator_id,
        "operator_name": row.operator_name,
        **{kind: row.patterns.get(kind) for kind in KINDS},
        "version": int(row.version),
    }


def shown(row: Any, in_force: dict[str, str]) -> dict[str, Any]:
    return {**listed(row), "in_force": in_force}
