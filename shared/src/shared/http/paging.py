"""Keyset pages: stable and equally fast on the first page and the last, at any size."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from flask import g, request
from sqlalchemy import Integer, Result, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, and_

from shared.http.cursors import read_cursor, write_cursor
from shared.http.problems import invalid_parameter
from shared.sorting import UnknownSort, clause, is_nullable, parsed

DEFAULT_LIMIT = 25  # C54
MOST = 500
# Counting is exact up to here; above it the planner's estimate is given and flagged.
COUNTED = 10_000


class PlainPageArguments(ma.Schema):
    """`?limit=25&cursor=…&sort=-deleted_at,name`; a list adds its own filters. `q` is refused."""

    limit = ma.fields.Integer(
        load_default=DEFAULT_LIMIT, validate=ma.validate.Range(min=1, max=MOST)
    )
    cursor = ma.fields.String(validate=ma.validate.Length(min=1, max=2000))
    sort = ma.fields.String(validate=ma.validate.Length(min=1, max=200))
    include = ma.fields.String(validate=ma.validate.OneOf(["total"]))


class PageArguments(PlainPageArguments):
    """The same with `q`, for a list that searches."""

    q = ma.fields.String(validate=ma.validate.Length(min=1, max=200))


@dataclass(frozen=True)
class Page:
    items: Sequence[Any]
    next_cursor: str | None
    total: int | None = None
    total_is_estimate: bool | None = None

    def body(self, dump: Callable[[Any], Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "items": [dump(item) for item in self.items],
            "next_cursor": self.next_cursor,
        }
        if self.total is not None:
            body |= {"total": self.total, "total_is_estimate": self.total_is_estimate}
        return body

    def headers(self) -> dict[str, str]:
        if self.next_cursor is None:
            return {}
        query = {**request.args.to_dict(), "cursor": self.next_cursor}
        return {"Link": f'<{request.base_url}?{urlencode(query)}>; rel="next"'}


def page(
    session: Session,
    query: Select[Any],
    arguments: Mapping[str, Any],
    *,
    sortable: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any],
    default_sort: str,
    values: Mapping[str, Any] | None = None,
) -> Page:
    """One page of `query`. `key` is the unique tie-break; `sortable` maps public names to columns.

    With `values`, those of the parameters of a `query` that is kept for all requests, its pages are kept
    with it: putting one together takes as long as reading it. Columns are never null then.

    Null sorts last in both directions. `among` in the arguments: `query` gives the first of a list of so
    many, so that another page follows though one of these went meanwhile; of none, nobody is asked.

    Raises Problem 422 for a sort or a cursor that is not ours.
    """
    order = _order(arguments.get("sort") or default_sort, sortable)
    columns = (*(sortable[name] for name, _ in order), key)
    downward = (*(down for _, down in order), order[-1][1])
    limit = int(arguments["limit"])
    signature = ",".join(f"{'-' if down else ''}{name}" for name, down in order)
    after = read_cursor(str(arguments["cursor"]), signature) if arguments.get("cursor") else None
    if after is not None and len(after) != len(columns):
        raise invalid_parameter("cursor", "not a cursor of this list")
    if values is None:
        given: dict[str, Any] = {}
        ordered = _ordered(query, columns, downward, after).limit(limit + 1)
    else:
        given = {**values, _MOST: limit + 1, **_after(after)}
        ordered = _kept(query, columns, downward, after is not None)
    among: int | None = arguments.get("among")
    rows = [] if among == 0 else _rows(session.execute(ordered, given))
    more = len(rows) > limit or bool(rows and among is not None)
    rows = rows[:limit]
    # For who logs what was shown to whom.
    g.records = len(rows)
    cursor = write_cursor(list(rows[-1][-len(columns) :]), signature) if more else None
    if arguments.get("include") != "total":
        return Page(rows, cursor)
    total = _total(session, query, values or {}) if among is None else (among, False)
    return Page(rows, cursor, *total)


def _ordered(
    query: Select[Any],
    columns: Sequence[ColumnElement[Any]],
    downward: Sequence[bool],
    after: Sequence[Any] | None,
) -> Select[Any]:
    if after is not None:
        query = query.where(_beyond(columns, downward, after))
    order = (clause(column, down=down) for column, down in zip(columns, downward, strict=True))
    return query.add_columns(*columns).order_by(*order)


_MOST = "page_most"


def _after(values: Sequence[Any] | None) -> dict[str, Any]:
    return {f"page_after_{n}": value for n, value in enumerate(values or ())}


# As many as a site's front ends ask for: a few filters and orders of each list.
@lru_cache(maxsize=1000)
def _kept(
    query: Select[Any],
    columns: tuple[ColumnElement[Any], ...],
    downward: tuple[bool, ...],
    following: bool,
) -> Select[Any]:
    names = _after(columns) if following else {}
    after = [bindparam(name, type_=column.type) for name, column in names.items()]
    ordered = _ordered(query, columns, downward, after or None)
    return ordered.limit(bindparam(_MOST, type_=Integer()))


def _rows(result: Result[Any]) -> list[Any]:
    """As named tuples: SQLAlchemy's rows take ten times as long to be asked for a value."""
    made = _row_of(tuple(result.keys()))._make
    return [made(row) for row in result]


@lru_cache(maxsize=1000)
def _row_of(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)  # noqa: PYI024


def _order(sort: str, sortable: Mapping[str, Any]) -> list[tuple[str, bool]]:
    try:
        return parsed(sort, sortable)
    except UnknownSort as error:
        raise invalid_parameter("sort", str(error)) from error


def _beyond(
    columns: Sequence[ColumnElement[Any]], downward: Sequence[bool], values: Sequence[Any]
) -> ColumnElement[bool]:
    """Rows after `values`: (a > x) or (a = x and b > y) or …, each column in its own direction."""
    if len(set(downward)) == 1 and not any(is_nullable(c) for c in columns):
        # One row comparison is what an index on the same columns answers directly.
        left, right = tuple_(*columns), tuple_(*values)
        return left < right if downward[0] else left > right
    alternatives = []
    for place, (column, down, value) in enumerate(zip(columns, downward, values, strict=True)):
        same = [
            (c.is_(None) if v is None else c == v)
            for c, v in zip(columns[:place], values[:place], strict=True)
        ]
        if value is None:
            continue
        further = column < value if down else column > value
        if is_nullable(column):
            further = or_(further, column.is_(None))
        alternatives.append(and_(*same, further))
    return or_(*alternatives)


def _total(session: Session, query: Select[Any], values: Mapping[str, Any]) -> tuple[int, bool]:
    bounded = select(func.count()).select_from(query.limit(COUNTED + 1).subquery())
    exact = int(session.scalar(bounded, values) or 0)
    if exact <= COUNTED:
        return exact, False
    compiled = query.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
    plan = session.connection().exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {compiled}", {**compiled.params, **values}
    )
    return max(int(plan.scalar_one()[0]["Plan"]["Plan Rows"]), exact), True
