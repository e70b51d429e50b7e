"""How the signed-in operator has a table shown: columns, sort, row style, rows per page, saved views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.api_client import Refused, Silent
from console.context import apis, may

STYLES = ("comfortable", "compact", "striped")


@dataclass(frozen=True)
class Shown:
    """`columns` are names in their order; None: those that the table shows by itself.

    `page_size` is one for all tables (C55); None: what the API gives by itself (C54: 25).
    """

    columns: Sequence[str] | None = None
    sort: str = ""
    row_style: str = STYLES[0]
    page_size: int | None = None
    views: Sequence[Mapping[str, Any]] = ()
    view: str = ""


def read(table: str, view_id: str = "") -> Shown:
    """What the operator set, or what the view shows. A list is worth more than how it is shown:
    where customers does not answer, the table comes as it is by itself."""
    if not may("preferences.write"):
        return Shown()
    services = apis().customers
    try:
        set_ = services.preference(table).body
        views = services.views({"table": table, "limit": 100})["items"]
    except (Refused, Silent):
        return Shown()
    chosen = next((view for view in views if view["id"] == view_id), None)
    look = chosen or set_
    return Shown(
        columns=look.get("columns"),
        sort=look.get("sort") or "",
        row_style=look.get("row_style") or STYLES[0],
        page_size=set_.get("page_size"),
        views=views,
        view=view_id if chosen else "",
    )
