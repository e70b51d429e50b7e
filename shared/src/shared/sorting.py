"""What a list or a file is sorted by: `-recorded_at,name`, the same in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.sql import ColumnElement


class UnknownSort(ValueError):
    """A field that is not sorted by, or the same one twice; the text says what there is."""


def parsed(sort: str, sortable: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The fields in their order, each with whether it goes down. Raises UnknownSort."""
    order = [(part.removeprefix("-"), part.startswith("-")) for part in sort.split(",")]
    if not {name for name, _ in order} <= set(sortable):
        raise UnknownSort(f"one or more of {', '.join(sorted(sortable))}")
    if len({name for name, _ in order}) != len(order):
        raise UnknownSort("name each field once")
    return order


def clause(column: ColumnElement[Any], *, down: bool) -> ColumnElement[Any]:
    """Null sorts last in both directions."""
    directed = column.desc() if down else column.asc()
    return directed.nulls_last() if is_nullable(column) else directed


def is_nullable(column: Any) -> bool:
    return bool(getattr(column, "nullable", False))


def clauses(
    sort: str, sortable: Mapping[str, ColumnElement[Any]], key: Sequence[ColumnElement[Any]]
) -> list[ColumnElement[Any]]:
    """ORDER BY of a whole result; `key`, the unique tie-break, goes the way of the last field."""
    order = parsed(sort, sortable)
    columns = [(sortable[name], down) for name, down in order]
    columns += [(column, order[-1][1]) for column in key]
    return [clause(column, down=down) for column, down in columns]
