"""A list page: search, filters, sort and keyset pages, all in its address, over any list of the APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import request, url_for

from console import shown as showing
from console.api_client import Refused
from console.shown import Shown

PAGE_SIZES = (25, 50, 100, 200)  # C53; 25 by default (C54)
# So many pages back are in the address; further back leads to the first page.
MOST_BACK = 10

Item = Mapping[str, Any]
Fetch = Callable[[dict[str, Any]], dict[str, Any]]
Kind = Literal[
    "text", "money", "amount", "time", "status", "words", "yes_no", "code", "data", "change"
]


@dataclass(frozen=True)
class Column:
    """`field` may name an inner value (`desired.access`); `sort` is the API's name for sorting by it."""

    title: str
    field: str
    kind: Kind = "text"
    sort: str = ""
    link: Callable[[Item], str] | None = None
    # Another field, shown small below; or what to show there of the row, "" for nothing.
    under: str | Callable[[Item], str] = ""
    # Given the row and the value: what is shown, None for nothing.
    only: Callable[[Item, Any], Any] | None = None
    # Whether the table shows it by itself; the others are chosen under Settings (C49).
    chosen: bool = True

    @property
    def name(self) -> str:
        """What preferences and saved views call it."""
        return self.field.replace(".", "_")

    def value(self, item: Item) -> Any:
        found: Any = item
        for name in self.field.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        return self.only(item, found) if self.only else found

    def below(self, item: Item) -> str:
        """What is shown small below the value; empty for nothing."""
        return self.under(item) if callable(self.under) else str(item.get(self.under) or "")


@dataclass(frozen=True)
class Filter:
    """`options` are (value, label), for `choice`; one with nothing to choose from is not shown. `sent`: it
    goes to the API; another one is for the page, which looks for what the others offer."""

    name: str
    label: str
    options: Sequence[tuple[str, str]] = ()
    kind: Literal["choice", "text", "date", "datetime-local"] = "choice"
    sent: bool = True


@dataclass(frozen=True)
class Action:
    """A button in a row: a form that is sent, or with `asks` a page that asks first."""

    label: str
    address: Callable[[Item], str]
    permission: str = ""
    when: Callable[[Item], bool] = lambda item: True
    asks: bool = False
    danger: bool = False
    # What the row is called, for who hears the page read out.
    of: str = "name"


@dataclass
class Listing:
    """`columns` are shown, in their order; `every` are all that can be."""

    table: str
    every: Sequence[Column]
    columns: Sequence[Column]
    shown: Shown
    filters: Sequence[Filter] = ()
    search: str = ""
    items: Sequence[Item] = ()
    values: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    next_cursor: str | None = None
    total: int | None = None
    total_is_estimate: bool = False
    problem: Refused | None = None

    @property
    def asked(self) -> bool:
        """Whether search or filters narrow the list."""
        return any(self.values.get(name) for name in ("q", *(f.name for f in self.filters)))

    @property
    def size(self) -> int:
        """Rows per page (C53 to C55)."""
        given = self.values.get("limit", "")
        return int(given) if given.isdecimal() else self.shown.page_size or PAGE_SIZES[0]

    @property
    def arranged(self) -> Sequence[Column]:
        """All columns, those that are shown first: the order of the settings (C49, C51)."""
        return [*self.columns, *(column for column in self.every if column not in self.columns)]

    def address(self, **changes: Any) -> str:
        """This page with other arguments; without a cursor it is the first page again."""
        kept = {k: v for k, v in self.values.items() if v}
        inner = request.view_args or {}
        endpoint = request.endpoint or ""
        return url_for(endpoint, **inner, **{k: v for k, v in (kept | changes).items() if v})

    def view_address(self, view: Mapping[str, Any]) -> str:
        """The list as a saved view has it: its filters are in the address, where they can be changed."""
        known = {"q", *(f.name for f in self.filters)}
        filters = {k: v for k, v in view["filter"].items() if k in known and v not in (None, "")}
        return url_for(
            request.endpoint or "", **(request.view_args or {}), **filters, view=view["id"]
        )

    @property
    def next_page(self) -> str | None:
        if self.next_cursor is None:
            return None
        back = [*request.args.getlist("back"), request.args.get("cursor", "")]
        return self.address(cursor=self.next_cursor, back=[*back][-MOST_BACK:])

    @property
    def previous_page(self) -> str | None:
        if not request.args.get("cursor"):
            return None
        back = request.args.getlist("back") or [""]
        return self.address(cursor=back[-1], back=back[:-1])

    def sorted_by(self, column: Column) -> str:
        """For aria-sort: ascending, descending or none."""
        current = self.values.get("sort", "")
        if column.sort and current in (column.sort, f"-{column.sort}"):
            return "descending" if current.startswith("-") else "ascending"
        return "none"

    def sort_address(self, column: Column) -> str:
        down = self.sorted_by(column) == "ascending"
        return self.address(sort=f"-{column.sort}" if down else column.sort)


def read(
    fetch: Fetch,
    columns: Sequence[Column],
    *,
    table: str,
    filters: Sequence[Filter] = (),
    search: str = "",
    sort: str = "",
    total: bool = False,
    also: Mapping[str, Any] | None = None,
) -> Listing:
    """The page that the address asks for. A filter that the API refuses is shown, not thrown.

    `table` is its name in preferences and saved views. `search` labels the search field (none when
    empty); `sort` is how the list comes by itself; `also` goes to the API besides.
    """
    shown = showing.read(table, request.args.get("view", ""))
    names = [f.name for f in filters] + (["q"] if search else []) + ["sort", "limit"]
    values = {name: request.args.get(name, "").strip() for name in names} | {"view": shown.view}
    asked = values["sort"] or _sort_of(shown, columns)
    values["sort"] = asked or sort
    query: dict[str, Any] = {f.name: values[f.name] for f in filters if f.sent and values[f.name]}
    if search and values["q"]:
        query["q"] = values["q"]
    query |= also or {}
    listing = Listing(
        table, columns, _chosen(shown, columns), shown, filters, search, values=values, query=query
    )
    paging = {"sort": asked, "limit": values["limit"] or shown.page_size,
              "cursor": request.args.get("cursor"), "include": "total" if total else None}  # fmt: skip
    try:
        body = fetch(query | {k: v for k, v in paging.items() if v})
    except Refused as refused:
        if refused.status != 422:
            raise
        listing.problem = refused
        return listing
    listing.items = body["items"]
    listing.next_cursor = body.get("next_cursor")
    listing.total, listing.total_is_estimate = (
        body.get("total"),
        bool(body.get("total_is_estimate")),
    )
    return listing


def _chosen(shown: Shown, columns: Sequence[Column]) -> Sequence[Column]:
    """Those that were chosen, in that order. A name that the table has no more is passed over."""
    known = {column.name: column for column in columns}
    wanted = [known[name] for name in shown.columns or () if name in known]
    return wanted or [column for column in columns if column.chosen]


def _sort_of(shown: Shown, columns: Sequence[Column]) -> str:
    """The preferred sort, unless this table cannot sort so: the API would refuse the whole list."""
    possible = {column.sort for column in columns if column.sort}
    return shown.sort if shown.sort.removeprefix("-") in possible else ""
