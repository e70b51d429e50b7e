"""Network › Walled garden: where those are sent who are let in to pay only."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for

from console.asking import Field, Page, Question, change
from console.context import apis, may
from console.formatting import HOLDS
from console.listing import Action, Column, Item, read

pages = Blueprint("walled_garden", __name__, url_prefix="/network/walled-garden")


def form_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    reason = item.get("reason")
    return url_for("walled_garden.edit", reason=reason) if may("walled_garden.write") else ""


CAUSES = (
    Column("Cause", "reason", link=form_of, only=lambda _, reason: HOLDS.get(reason, reason)),
    Column("Pool of addresses", "pool", "code", only=lambda _, pool: pool or "the NAS's own"),
)
ACTIONS = (Action("Edit", form_of, "walled_garden.write", asks=True, of="reason"),)


@pages.get("")
def causes() -> str:
    listing = read(apis().network.walled_garden, CAUSES, table="walled_garden")
    return render_template(
        "list.html", listing=listing, title="Walled garden", actions=ACTIONS,
        about="Who is suspended and reaches the payment page only gets an address of the cause's pool,"
        " so that the NAS can show the page that fits.",
        empty="No causes.",
    )  # fmt: skip


@pages.route("/<reason>", methods=["GET", "POST"])
def edit(reason: str) -> Page:
    network = apis().network

    def question(found: dict[str, Any]) -> Question:
        return Question(
            f"Walled garden: {HOLDS.get(reason, reason)}", "Save",
            (Field("pool", "Pool of addresses",
                   hint="Its name on the NAS: letters, digits, . _ -. Empty: the NAS chooses."),),
            url_for("walled_garden.causes"), "Counts from each customer's next login on.",
            values={"pool": found["pool"] or ""},
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return network.set_walled_cause(reason, {"pool": None} | body, etag)

    return change(lambda: network.walled_cause(reason), question, send, "Saved.")
