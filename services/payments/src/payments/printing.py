"""Bills and proforma bills as pages to print; every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, render_template_string, request

_PAGE = Path(__file__).with_name("bill.html").read_text()
# What a person must know of a bill that is not simply to be paid.
_NOTES = {"paid": "Paid.", "overdue": "This bill is overdue.", "void": "This bill is void."}


def wanted() -> bool:
    """Whether the caller asked for a page and not for JSON."""
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return best == "text/html"


def bill(body: Mapping[str, Any], time_zone: str, tax_name: str) -> Response:
    sums = [("Total", body["total"]), *_tax(body, tax_name), ("Paid", body["paid"])]
    return _page("Bill", {**body, "sums": sums, "note": _NOTES.get(body["status"])}, time_zone)


def proforma(body: Mapping[str, Any], time_zone: str, tax_name: str) -> Response:
    note = "No bill: nothing is owed yet."
    if body["state"] != "open":
        note = f"This proforma is {body['state']}."
    sums = [("Total", body["total"]), *_tax(body, tax_name), ("To pay", body["to_pay"])]
    return _page("Proforma", {**body, "sums": sums, "note": note}, time_zone)


def _tax(body: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    """Named with its rate where all items have the same."""
    if not Decimal(body["tax"]["amount"]):
        return []
    rates = {item["tax_percent"] for item in body["items"]}
    return [(f"of it {name}{f' {rates.pop()} %' if len(rates) == 1 else ''}", body["tax"])]


def _page(title: str, body: Mapping[str, Any], time_zone: str) -> Response:
    zone = ZoneInfo(time_zone)

    def day(moment: datetime) -> str:
        return moment.astimezone(zone).date().isoformat()

    page = render_template_string(_PAGE, title=title, b=body, day=day)
    return Response(page, content_type="text/html; charset=utf-8")
