"""What a column of an export is, and the choice of columns a reader asked for (seed E23)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, literal_column

Kind = Literal["text", "phone", "money", "integer", "timestamp", "boolean", "date"]

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class UnknownColumn(ValueError):
    """A column was asked for that the export does not have."""


@dataclass(frozen=True)
class Column:
    """One column: `name` is the query's label, `title` what people read in the file's first row.

    `kind` decides how the value is written, and whether the formula guard applies: it does to
    `text`, and to a `phone` that is more than `+`, digits and spaces. `money` has `decimals` places, those of
    its currency. `timestamp` is `timestamptz` in the query.
    """

    name: str
    title: str
    kind: Kind
    sql: str | ColumnElement[Any] = field(compare=False)
    decimals: int = 2

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"column name {self.name!r}: use a-z, 0-9 and _, at most 63 of them")


def chosen(catalogue: Sequence[Column], names: Iterable[str] | None = None) -> tuple[Column, ...]:
    """The columns shown, in the order shown; all of the catalogue when `names` is None.

    Raises `UnknownColumn`, which names the columns there are.
    """
    if names is None:
        return tuple(catalogue)
    known = {column.name: column for column in catalogue}
    wanted = list(dict.fromkeys(names))
    if not wanted:
        raise UnknownColumn("columns: name at least one")
    for name in wanted:
        if name not in known:
            raise UnknownColumn(f"columns: no column {name!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in wanted)


def expressions(columns: Sequence[Column]) -> list[ColumnElement[Any]]:
    """What to `select()` so that the query's output matches the columns, in order."""
    return [
        (literal_column(c.sql) if isinstance(c.sql, str) else c.sql).label(c.name) for c in columns
    ]
