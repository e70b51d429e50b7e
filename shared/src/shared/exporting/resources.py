"""What may be exported, and where the files lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marshmallow as ma
from sqlalchemy import Select

from shared import exports
from shared.database import Scope
from shared.exports import Column
from shared.settings import Settings

# The kind of job that makes a file.
KIND = "export"


class NoFilter(ma.Schema):
    """A resource that is exported whole."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What may be exported under one name.

    `select` gives FROM, WHERE (with `scope.covers(…)`) and ORDER BY; its columns are replaced by
    those asked for. `filters` checks what the caller sends under `filter` and gives `select` its
    first argument. `permission` is needed beside `exports.write`. `personal`: the file goes when
    a customer is erased. `sum_column` is added up into the manifest (E24).
    """

    name: str
    columns: Sequence[Column]
    select: Callable[[Mapping[str, Any], Scope], Select[Any]]
    permission: str
    filters: type[ma.Schema] = NoFilter
    personal: bool = True
    sum_column: str | None = None


def folder_of(settings: Settings) -> Path:
    return settings.home / "exports" / settings.service


def name_of(export: Any) -> str:
    """The file's name, made of our own words and the id only."""
    return exports.download_name(export.resource, export.id, export.format)
