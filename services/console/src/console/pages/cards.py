"""Collecting › Recharge Cards: batches, their sealed file of PINs, issuing and blocking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, stream_with_context, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer
from console.asking import Field, Page, Question, ask, in_site_currency
from console.context import apis, tell
from console.formatting import choices, words
from console.listing import Action, Column, Filter, Item, read
from console.times import end_of

pages = Blueprint("cards", __name__, url_prefix="/recharge-cards")
TABS = (
    ("Batches", "cards.batches", "recharge_cards.read"),
    ("Cards", "cards.cards", "recharge_cards.read"),
)
STATES = ("unissued", "issued", "used", "expired", "void", "blocked")
WRITE = "recharge_cards.write"
# What each verb does, for who is about to say it.
VERBS = {
    "issue": "They can be redeemed from now on. The file of PINs goes: fetch it first.",
    "block": "They cannot be redeemed until they are unblocked: stolen, perhaps.",
    "unblock": "Blocked cards are issued again.",
    "void": "For good: cards that were not used yet never will be.",
}


def cards_of(item: Item) -> str:
    return url_for("cards.cards", batch_id=item["id"])


BATCHES = (
    Column("Made", "created_at", "time", sort="created_at", link=cards_of),
    Column("Serials", "first_serial", "code", under="last_serial"),
    Column("Cards", "count"),
    Column("Value", "value", "money"),
    Column("Commission", "commission", "money"),
    Column("Valid until", "expires_at", "time"),
    Column("By", "created_by", chosen=False),
)
CARDS = (
    Column("Serial", "serial", "code", sort="serial"),
    Column("Value", "value", "money"),
    Column("State", "state", "words"),
    Column("Valid until", "expires_at", "time"),
    Column("Issued", "issued_at", "time"),
    Column("Used", "used_at", "time"),
    Column("Batch", "batch_id", "code", chosen=False),
    Column("Customer", "customer_id", "code", chosen=False),
)
ACTIONS = (
    Action(
        "PINs", lambda item: url_for("cards.file", batch_id=item["id"]), WRITE,
        lambda item: bool(item["url"]), asks=True, of="first_serial",
    ),
    Action(
        "PINs arrived", lambda item: url_for("cards.arrived", batch_id=item["id"]), WRITE,
        lambda item: bool(item["url"]), asks=True, danger=True, of="first_serial",
    ),
    *(
        Action(
            words(verb),
            lambda item, verb=verb: url_for("cards.change", batch_id=item["id"], verb=verb),  # type: ignore[misc]
            WRITE, lambda item: bool(item["made_at"]), asks=True, danger=verb == "void",
            of="first_serial",
        )
        for verb in VERBS
    ),
)  # fmt: skip


@pages.get("/batches")
def batches() -> str:
    listing = read(apis().payments.card_batches, BATCHES, table="card_batches")
    return render_template(
        "list.html", listing=listing, title="Recharge Cards", tabs=TABS, actions=ACTIONS,
        tools=(("Make cards", url_for("cards.make"), WRITE),),
        about="Batches of prepaid cards. Their PINs are in one sealed file, and nowhere else.",
        empty="No cards were made yet.",
    )  # fmt: skip


@pages.get("")
def cards() -> str:
    filters = (
        Filter("serial", "Serial", kind="text"),
        Filter("batch_id", "Batch's id", kind="text"),
        Filter("state", "State", choices(*STATES)),
    )
    listing = read(apis().payments.cards, CARDS, table="recharge_cards", filters=filters)
    return render_template(
        "list.html", listing=listing, title="Cards", tabs=TABS,
        about="Every card by its serial, never with its PIN.", empty="No cards were made yet.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def make() -> Page:
    question = Question(
        "Make cards", "Make them",
        (
            Field("count", "How many", "number", required=True),
            Field("value", "Value of each", "money", required=True),
            Field("commission", "Commission of whoever sells one", "money"),
            Field("expires_at", "Last day", "date", required=True),
            Field(
                "passphrase", "Passphrase of the file", "password", required=True,
                hint="Nobody opens the file without it, we neither: keep it apart from the file.",
            ),
        ),
        url_for("cards.batches"),
        values=in_site_currency("value", "commission"),
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Answer:
        if body.get("expires_at"):
            body["expires_at"] = end_of(body["expires_at"])
        return apis().payments.make_cards(body, key)

    return ask(question, send, then=_to_job)


@pages.route(
    "/batches/<uuid:batch_id>/<any(issue, block, unblock, void):verb>", methods=["GET", "POST"]
)
def change(batch_id: UUID, verb: str) -> Page:
    services = apis().payments
    batch = services.card_batch(batch_id)
    question = Question(
        f"{words(verb)} cards", words(verb),
        (
            Field("first_serial", "From serial", hint=f"Empty: from {batch['first_serial']}"),
            Field("last_serial", "To serial", hint=f"Empty: to {batch['last_serial']}"),
            *(() if verb == "issue" else (Field("reason", "Reason", required=True),)),
        ),
        url_for("cards.batches"), VERBS[verb], danger=verb == "void",
    )  # fmt: skip
    whole = {"batch_id": str(batch_id)}
    return ask(
        question, lambda body, key: services.change_cards(verb, whole | body, key), then=_to_job
    )


@pages.get("/batches/<uuid:batch_id>/file")
def file(batch_id: UUID) -> Response:
    """Passed on as it comes, sealed; `python -m payments open-cards` opens it."""
    found = apis().payments.card_file(batch_id)
    return Response(stream_with_context(found.chunks), headers=dict(found.headers))


def _to_job(answer: Answer) -> Response:
    tell("It is done behind the scenes; its progress stands here.")
    return redirect(url_for("jobs.show", service="payments", job_id=answer.body["id"]), 303)


@pages.route("/batches/<uuid:batch_id>/file/arrived", methods=["GET", "POST"])
def arrived(batch_id: UUID) -> Page:
    """PINs are shown once: who has opened the file lets it go from here."""
    services = apis().payments
    batch = services.card_batch(batch_id)
    question = Question(
        "Remove the file of PINs?", "Remove it", (), url_for("cards.batches"),
        "You have the whole file and it opens with its passphrase. Nobody can fetch it again.",
        danger=True,
    )  # fmt: skip
    whole = {"sha256": batch["sha256"]}
    return ask(
        question,
        lambda _, key: services.confirm_card_file(batch_id, whole, key),
        "It is gone from here.",
    )
