"""Collecting › Dunning › Days without cut-off: the weekend and the holidays."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template, url_for

from console.api_client import Refused
from console.asking import Field, Page, Question, change
from console.context import apis
from console.listing import Column, read
from console.pages.dunning import TABS

pages = Blueprint("days_off", __name__, url_prefix="/dunning/days-off")
# ISO 8601: 1 is Monday.
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPTIONS = tuple((str(number), name) for number, name in enumerate(WEEKDAYS, start=1))
FIELDS = (
    Field("weekend", "Weekend", "ticks", options=OPTIONS),
    Field(
        "holidays", "Holidays", "lines", hint="One a line, the day first: 2026-12-16 Victory Day"
    ),
)
HOLIDAYS = (Column("Day", "day"), Column("Holiday", "name"))


@pages.get("")
def show() -> str:
    found = apis().payments.calendar().body
    weekend = ", ".join(WEEKDAYS[number - 1] for number in found["weekend"]) or "none"
    listing = read(lambda _: {"items": found["holidays"]}, HOLIDAYS, table="holidays")
    return render_template(
        "list.html", listing=listing, title="Days without cut-off", tabs=TABS,
        tools=(("Edit", url_for("days_off.edit"), "dunning.write"),),
        about="Nobody becomes overdue, nor is provisionally terminated, on the weekend or a holiday, in"
        f" {found['time_zone']}. The weekend: {weekend}.",
        empty="No holidays.",
    )  # fmt: skip


@pages.route("/edit", methods=["GET", "POST"])
def edit() -> Page:
    payments = apis().payments

    def question(found: dict[str, Any]) -> Question:
        lines = "\n".join(f"{each['day']} {each['name']}" for each in found["holidays"])
        return Question(
            "Days without cut-off", "Save", FIELDS, url_for("days_off.show"),
            f"Whole days in {found['time_zone']}.",
            values={"weekend": [str(number) for number in found["weekend"]], "holidays": lines},
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        weekend = [int(each) for each in body.get("weekend", ())]
        holidays = _holidays(body.get("holidays", ""))
        return payments.set_calendar({"weekend": weekend, "holidays": holidays}, etag)

    return change(payments.calendar, question, send, "Saved.")


def _holidays(text: str) -> list[dict[str, str]]:
    """Raises Refused that names the line which is none."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        day, _, name = line.strip().partition(" ")
        if not day:
            continue
        try:
            date.fromisoformat(day)
        except ValueError:
            raise _not(number, "begin with the day, such as 2026-12-16 Victory Day") from None
        if not name.strip():
            raise _not(number, "say behind the day which holiday it is")
        found.append({"day": day, "name": name.strip()})
    return found


def _not(number: int, detail: str) -> Refused:
    return Refused.here("Not saved", "holidays", "line", f"Line {number}: {detail}.")
