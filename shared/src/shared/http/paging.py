"""Keyset pages: stable and equally fast on the first page and the last, at any size."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import marshmallow as ma
import orjson
from flask import current_app, g, request
from sqlalchemy import Result, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, and_

from shared.http.problems import invalid_parameter
from shared.sorting import UnknownSort, clause, is_nullable, parsed

DEFAULT_LIMIT = 25  # C54
MOST = 500
# Counting is exact up to here; above it the planner's estimate is given and flagged.
COUNTED = 10_000

Decode = Callable[[Any], Any]


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
) -> Page:
    """One page of `query`. `key` is the unique tie-break; `sortable` maps public names to columns.

    Null sorts last in both directions. `among` in the arguments: `query` gives the first of a list of so
    many, so that another page follows though one of these went meanwhile; of none, nobody is asked.

    Raises Problem 422 for a sort or a cursor that is not ours.
    """
    order = _order(arguments.get("sort") or default_sort, sortable)
    columns = [*(sortable[name] for name, _ in order), key]
    downward = [*(down for _, down in order), order[-1][1]]
    limit = int(arguments["limit"])
    signature = ",".join(f"{'-' if down else ''}{name}" for name, down in order)
    counted = query
    if arguments.get("cursor"):
        values = _read(str(arguments["cursor"]), signature)
        query = query.where(_beyond(columns, downward, values))
    ordered = query.add_columns(*columns).order_by(
        *(clause(column, down=down) for column, down in zip(columns, downward, strict=True))
    )
    among: int | None = arguments.get("among")
    rows = [] if among == 0 else _rows(session.execute(ordered.limit(limit + 1)))
    more = len(rows) > limit or bool(rows and among is not None)
    rows = rows[:limit]
    # For who logs what was shown to whom.
    g.records = len(rows)
    cursor = _write(list(rows[-1][-len(columns) :]), signature) if more else None
    if arguments.get("include") != "total":
        return Page(rows, cursor)
    return Page(rows, cursor, *(_total(session, counted) if among is None else (among, False)))


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
    if len(values) != len(columns):
        raise invalid_parameter("cursor", "not a cursor of this list")
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


def _total(session: Session, query: Select[Any]) -> tuple[int, bool]:
    bounded = select(func.count()).select_from(query.limit(COUNTED + 1).subquery())
    exact = int(session.scalar(bounded) or 0)
    if exact <= COUNTED:
        return exact, False
    compiled = query.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
    plan = session.connection().exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {compiled}", dict(compiled.params)
    )
    return max(int(plan.scalar_one()[0]["Plan"]["Plan Rows"]), exact), True


def _secret() -> bytes:
    key: bytes = current_app.extensions["tenure.settings"].secret_key
    return hmac.digest(key, b"cursor", "sha256")


def _write(values: list[Any], signature: str) -> str:
    body = orjson.dumps([signature, [_tag(value) for value in values]])
    return base64.urlsafe_b64encode(
        hmac.digest(_secret(), body, hashlib.sha256)[:12] + body
    ).decode()


def _read(cursor: str, signature: str) -> list[Any]:
    try:
        raw = base64.urlsafe_b64decode(cursor.encode())
        mac, body = raw[:12], raw[12:]
        if not hmac.compare_digest(mac, hmac.digest(_secret(), body, hashlib.sha256)[:12]):
            raise ValueError
        made_for, values = orjson.loads(body)
        if made_for != signature:
            raise ValueError
        return [_untag(value) for value in values]
    except (ValueError, KeyError, TypeError) as error:
        raise invalid_parameter("cursor", "not a cursor of this list and sort") from error


_TAGS: dict[str, tuple[type, Decode]] = {
    "t": (datetime, datetime.fromisoformat),
    "d": (Decimal, Decimal),
    "u": (UUID, UUID),
}


def _tag(value: Any) -> Any:
    for tag, (kind, _) in _TAGS.items():
        if isinstance(value, kind):
            return {tag: value.isoformat() if isinstance(value, datetime) else str(value)}
    return value


def _untag(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        return _TAGS[tag][1](inner)
    return value
