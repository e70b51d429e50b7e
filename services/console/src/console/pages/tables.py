"""How a table is shown (C49–C55), and the views saved of it: forms that stand above and below each list."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.context import apis, place, tell
from console.failures import warn
from console.forms import filled, ticked
from console.listing import PAGE_SIZES

pages = Blueprint("tables", __name__)
# A chosen size or order begins at the first page; what the address said of it gives way.
OUTDATED = ("cursor", "back", "limit", "sort", "view")


@pages.post("/tables/<table>")
def keep(table: str) -> Response:
    """C49–C52: which columns, in which order, sorted how, with which row style."""
    if ticked("reset"):
        wanted: dict[str, Any] = {"columns": None, "sort": None, "row_style": "comfortable"}
    else:
        wanted = {"columns": _arranged(), "sort": None, **filled("sort", "row_style")}
    return _keep(table, wanted, without=OUTDATED)


@pages.post("/tables/<table>/page-size")
def resize(table: str) -> Response:
    """C53–C55: saved by choosing it, for every table."""
    size = request.form.get("page_size", type=int)
    return _keep(table, {"page_size": size or PAGE_SIZES[0]}, without=("cursor", "back", "limit"))


@pages.post("/tables/<table>/views")
def save_view(table: str) -> Response:
    """Keep what the list shows now under a name."""
    address = dict(parse_qsl(urlsplit(place()).query))
    look = {"columns": request.form.getlist("column"), **filled("row_style", "sort")}
    kept = {name: value for name, value in address.items() if name not in OUTDATED}
    body = look | {"table": table, "shared": ticked("shared"), "filter": kept, **filled("name")}
    try:
        made = apis().customers.save_view(body, request.form["key"]).body
    except Refused as refused:
        warn(refused, "The view is not saved")
        return redirect(place(), 303)
    tell(f"The view “{made['name']}” is saved.")
    return redirect(_here(OUTDATED, view=made["id"]), 303)


@pages.post("/views/<uuid:view_id>/remove")
def remove_view(view_id: UUID) -> Response:
    try:
        apis().customers.remove_view(view_id)
    except Refused as refused:
        warn(refused, "The view stays")
    else:
        tell("The view is removed.")
    return redirect(_here(("view",)), 303)


def _arranged() -> list[str] | None:
    """The ticked columns in the order of their numbers; None when none is ticked."""
    names = request.form.getlist("column")

    def number(name: str) -> int:
        given = request.form.get(f"place-{name}", "")
        return int(given) if given.isdecimal() else len(names)

    return sorted(names, key=number) or None


def _keep(table: str, changes: dict[str, Any], without: tuple[str, ...]) -> Response:
    customers = apis().customers
    try:
        found = customers.preference(table)
        now = {name: found.body.get(name) for name in ("columns", "sort", "row_style")}
        customers.prefer(table, now | changes, found.etag)
    except Refused as refused:
        warn(refused, "Not kept")
    return redirect(_here(without), 303)


def _here(without: tuple[str, ...], **more: str) -> str:
    """Where the person was, without these arguments of the address."""
    here = urlsplit(place())
    kept = [(name, value) for name, value in parse_qsl(here.query) if name not in without]
    query = urlencode([*kept, *more.items()])
    return here.path + (f"?{query}" if query else "")
