"""Collecting › Reports: what came in (E24), what is owed and how long, what agrees with no statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request

from console.api_client import Refused
from console.context import apis
from console.formatting import METHODS
from console.listing import Column, Filter, Item

pages = Blueprint("reports", __name__, url_prefix="/reports")
TABS = (
    ("Collections", "reports.collections", "reports.read"),
    ("Ageing", "reports.ageing", "reports.read"),
    ("Unknown payments", "reports.unknown", "reports.read"),
    ("Taxes", "reports.taxes", "reports.read"),
)
AMOUNT = Column("Amount", "amount", "money")
FROM, TO = Filter("from", "From", kind="date"), Filter("to", "To", kind="date")
SPLITS = (
    ("day", "Day"), ("method", "Payment method"), ("operator", "Operator"),
    ("day,method", "Day and method"), ("day,operator", "Day and operator"),
    ("method,operator", "Method and operator"), ("day,method,operator", "All three"),
)  # fmt: skip
# What the split named on the left adds to the table.
SPLIT_BY = {
    "day": Column("Day", "day"),
    "method": Column("Payment method", "method", "words"),
    "operator": Column("Operator", "operator_name"),
}


@dataclass(frozen=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    items: list[Item]
    empty: str


@pages.get("/collections")
def collections() -> str:
    """E24: what was received, by day, method and operator."""
    by = request.args.get("by") or "method"
    query = {**_given("from", "to", "method"), "by": by}
    split = [SPLIT_BY[name] for name in by.split(",") if name in SPLIT_BY]
    columns = (
        *split, Column("Payments", "payments"), AMOUNT,
        Column("Given back", "refunded", "money"), Column("Net", "net", "money"),
    )  # fmt: skip
    filters = (FROM, TO, Filter("method", "Payment method", tuple(METHODS.items())),
               Filter("by", "By", SPLITS))  # fmt: skip
    return _page(
        "Collections", "What was received, by the calendar of the ISP.",
        lambda: [Table("Received", columns, _items("collections", query), "Nothing was received then.")],
        filters,
    )  # fmt: skip


@pages.get("/ageing")
def ageing() -> str:
    by = request.args.get("by") or "age"
    whose = (Column("Operator", "operator_name"),) if by == "operator" else ()
    columns = (
        Column("Due for (days)", "age", "words"), *whose, Column("Customers", "customers"),
        Column("Bills", "bills"), Column("Unpaid", "unpaid", "money"),
    )  # fmt: skip
    split = Filter("by", "By", (("age", "Age"), ("operator", "Age and operator")))
    return _page(
        "Ageing", "What is owed, by how long it has been due.",
        lambda: [Table("Owed", columns, _items("ageing", {"by": by}), "Nobody owes anything.")],
        (split,),
    )  # fmt: skip


@pages.get("/unknown")
def unknown() -> str:
    """Money without a payment, payments without money, money that waits for a decision."""
    age = Column("Age (days)", "age_days")

    def tables() -> list[Table]:
        found = apis().payments.report("reconciliation", {})
        source = Column("From", "source", "words")
        return [
            Table("Money without a payment",
                  (source, Column("What is wrong", "exception", "words"), age,
                   Column("Lines", "lines"), AMOUNT),
                  _youngest_first(found["open_lines"]), "None: every line has its payment."),
            Table("Payments that no statement shows yet",
                  (Column("Payment method", "method", "words"), age,
                   Column("Payments", "payments"), AMOUNT),
                  _youngest_first(found["unsettled_payments"]), "None: all are settled."),
            Table("Money that waits for a decision",
                  (Column("Gateway", "gateway", "words"), Column("Why", "cause", "words"), age,
                   Column("Payments", "payments"), AMOUNT),
                  _youngest_first(found["waiting_reviews"]), "None."),
        ]  # fmt: skip

    about = "Both sides of what does not agree, by age."
    return _page("Unknown payments", about, tables)


@pages.get("/taxes")
def taxes() -> str:
    columns = (
        Column("Month", "month"), Column("Charged", "charged", "money"),
        Column("Taken back", "taken_back", "money"), Column("Owed", "owed", "money"),
    )  # fmt: skip
    query = _given("from", "to")
    return _page(
        "Taxes", "What is owed to the state, by month of booking: a declared month stays as it is.",
        lambda: [Table("Taxes", columns, _items("taxes", query), "No tax was charged then.")],
        (FROM, TO),
    )  # fmt: skip


def _given(*names: str) -> dict[str, str]:
    return {name: request.args[name] for name in names if request.args.get(name)}


def _items(report: str, query: dict[str, str]) -> list[Item]:
    items: list[Item] = apis().payments.report(report, query)["items"]
    return items


def _youngest_first(items: list[Item]) -> list[Item]:
    """By the number that their age begins with; otherwise as they came."""
    return sorted(items, key=lambda item: int(re.split(r"\D", item["age_days"], maxsplit=1)[0]))


def _page(title: str, about: str, tables: Any, filters: tuple[Filter, ...] = ()) -> str:
    """A filter that the API refuses is said above, and no table is shown."""
    problem, shown = None, []
    try:
        shown = tables()
    except Refused as refused:
        if refused.status != 422:
            raise
        problem = refused
    return render_template(
        "report.html", title=title, about=about, tables=shown, filters=filters, problem=problem,
        tabs=TABS, values=request.args,
    )  # fmt: skip
