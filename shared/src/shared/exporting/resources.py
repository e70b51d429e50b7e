"""What may be exported, and where the files lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import marshmallow as ma
from sqlalchemy import ColumnElement, Select

from shared import exports
from shared.database import Database, Scope
from shared.exports import Column
from shared.settings import Settings
from shared.sorting import clauses

# The kind of job that makes a file.
KIND = "export"


class NoFilter(ma.Schema):
    """A resource that is exported whole."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What may be exported under one name.

    `select` gives FROM, WHERE (with `scope.covers(…)`) and ORDER BY; its columns are replaced by
    those asked for. `filters` checks what the caller sends under `filter` and gives `select` its
    first argument. `sortable` and `key`, its unique tie-break, are those of the list: a caller's `sort`
    takes the place of `select`'s own order (B24). `permission` is needed beside `exports.write`.
    `prepared` looks up beforehand what the list looks up, such as whom a search means, and hands
    it on to `select`. `personal`: the file goes when a customer is erased. `sum_column` is added up
    into the manifest (E24).
    """

    name: str
    columns: Sequence[Column]
    select: Callable[[Mapping[str, Any], Scope], Select[Any]]
    permission: str
    filters: type[ma.Schema] = NoFilter
    personal: bool = True
    sum_column: str | None = None
    sortable: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    key: Sequence[ColumnElement[Any]] = ()
    prepared: Callable[[Database, Mapping[str, Any], Scope], Mapping[str, Any]] | None = None

    def ordered(
        self, filters: Mapping[str, Any], scope: Scope, sort: str | None = None
    ) -> Select[Any]:
        """The rows in the order asked for. Raises UnknownSort."""
        query = self.select(filters, scope)
        if sort is None:
            return query
        return query.order_by(None).order_by(*clauses(sort, self.sortable, self.key))


def folder_of(settings: Settings) -> Path:
    return settings.home / "exports" / settings.service


def name_of(export: Any) -> str:
    """The file's name, made of our own words and the id only."""
    return exports.download_name(export.resource, export.id, export.format)
