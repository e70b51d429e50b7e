"""Collecting › Gateways: money that does not fit, payments on their way, what gateways told us, refunds."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from console.asking import Field, Page, Question, ask
from console.context import apis
from console.failures import attempt
from console.formatting import choices, money, words
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("gateways", __name__, url_prefix="/gateways")
TABS = (
    ("Reviews", "gateways.reviews", "payment_reviews.read"),
    ("Payments on their way", "gateways.intents", "payments.read"),
    ("Notifications", "gateways.deliveries", "webhooks.read"),
    ("Refunds", "gateways.refunds", "payments.read"),
    ("Saved methods", "gateways.methods", "payments.read"),
    ("Ledger proof", "gateways.proof", "reports.read"),
)


GATEWAY = Filter("gateway", "Gateway", choices("bkash", "nagad", "sslcommerz", "stripe"))


def customer_of(item: Item) -> str:
    known = item.get("customer_id")
    return url_for("profile.show", customer_id=known) if known else ""


def is_open(item: Item) -> bool:
    return bool(item["state"] == "open")


REVIEWS = (
    Column("Came", "opened_at", "time", sort="opened_at"),
    Column("Gateway", "gateway", "words", under="transaction_reference"),
    Column("Amount", "amount", "money"),
    Column("Expected", "expected", "money"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Why", "cause", "words", under="what_to_do"),
    Column("State", "state", "words", under="decision_reason"),
    Column("Decided by", "decided_by", chosen=False),
)
REVIEW_ACTIONS = tuple(
    Action(
        label, lambda item, what=what: url_for("gateways.decide", review_id=item["id"], what=what),  # type: ignore[misc]
        "payment_reviews.decide", is_open, asks=True, danger=what == "reject", of="transaction_reference",
    )
    for label, what in (("Approve", "approve"), ("Reject", "reject"))
)  # fmt: skip
INTENTS = (
    Column("Begun", "created_at", "time", sort="created_at"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Gateway", "gateway", "words", under="reference"),
    Column("Amount", "amount", "money"),
    Column("State", "state", "words", under="failure"),
    Column("Asked", "checks"),
    Column("Asked again", "next_check_at", "time"),
    Column("Ends", "expires_at", "time", chosen=False),
)
DELIVERIES = (
    Column("Came", "received_at", "time", sort="received_at"),
    Column("Gateway", "gateway", "words", under="source_address"),
    Column("Verdict", "verdict", "words"),
    Column("State", "state", "words", under="outcome"),
    Column("Attempts", "attempts"),
    Column("Again", "next_at", "time"),
    Column("Repeats", "repeats", chosen=False),
    Column("Event", "event_id", "code", chosen=False),
)
REFUNDS = (
    Column("Asked", "created_at", "time", sort="created_at"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Gateway", "gateway", "words", under="transaction_reference"),
    Column("Amount", "amount", "money"),
    Column("State", "state", "words", under="error"),
    Column("Attempts", "attempts"),
    Column("By", "requested_by", under="reason"),
)
METHODS = (
    Column("Saved", "created_at", "time", sort="created_at"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Gateway", "gateway", "words", under="label"),
    Column("State", "state", "words", under="failure"),
    Column("Charged next", "next_charge_at", "time"),
    Column("By", "created_by", chosen=False),
)
FORGET = Action(
    "Forget", lambda item: url_for("gateways.forget", method_id=item["id"]), "payment_intents.write",
    lambda item: item["state"] not in ("removing", "removed", "failed"), danger=True, of="label",
)  # fmt: skip
AGAIN = (
    Action(
        "Work on it again", lambda item: url_for("gateways.replay", delivery_id=item["id"]),
        "webhooks.write", lambda item: item["state"] in ("failed", "refused", "ignored"), of="gateway",
    ),
)  # fmt: skip


@pages.get("/reviews")
def reviews() -> str:
    states = Filter("state", "State", choices("open", "approved", "rejected"))
    listing = read(
        apis().payments.reviews, REVIEWS, table="payment_reviews", filters=(states, GATEWAY)
    )
    return render_template(
        "list.html", listing=listing, title="Payment reviews", tabs=TABS, actions=REVIEW_ACTIONS,
        about="Money that came and does not fit: nothing is credited before somebody decides.",
        empty="Nothing to review: all money fits.",
    )  # fmt: skip


@pages.route("/reviews/<uuid:review_id>/<any(approve, reject):what>", methods=["GET", "POST"])
def decide(review_id: UUID, what: str) -> Page:
    """Approved money is credited as it really came; rejected money may be given back."""
    services = apis().payments
    review = services.review(review_id)
    reason = Field("reason", "Reason", required=True, hint="The operations log keeps it.")
    whom = Field("customer_id", "Customer's id", hint="From the address of the customer's page.")
    back = Field("give_back", "Have the gateway give the money back", "tick")
    fields = {"approve": (reason,) if review["customer_id"] else (whom, reason),
              "reject": (reason, back)}[what]  # fmt: skip
    whose = review["customer_name"] or "nobody known"
    question = Question(
        f"{words(what)} {money(review['amount'])} of {whose}?", words(what), fields,
        url_for("gateways.reviews", state="open"), danger=what == "reject",
        lead=f"{words(review['gateway'])} {review['transaction_reference']},"
        f" {words(review['cause']).lower()}. {review['what_to_do']}",
    )  # fmt: skip
    done = (
        "Approved: the money is credited."
        if what == "approve"
        else "Rejected: nothing is credited."
    )
    return ask(question, lambda body, key: services.decide_review(review_id, what, body, key), done)


@pages.get("/payments")
def intents() -> str:
    states = Filter(
        "state", "State",
        choices("created", "pending", "succeeded", "failed", "expired", "needs_review"),
    )  # fmt: skip
    listing = read(apis().payments.intents, INTENTS, table="intents", filters=(states, GATEWAY))
    return render_template(
        "list.html", listing=listing, title="Gateway payments", tabs=TABS,
        about="Payments that customers began at a gateway. One without an answer is asked for again"
        " by itself until it is known or over: the money is credited once, whichever way it is heard.",
        empty="Nobody paid at a gateway yet.",
    )  # fmt: skip


@pages.get("/notifications")
def deliveries() -> str:
    states = Filter(
        "state", "State", choices("received", "processed", "ignored", "failed", "refused")
    )
    listing = read(
        apis().payments.deliveries,
        DELIVERIES,
        table="gateway_deliveries",
        filters=(states, GATEWAY),
    )
    return render_template(
        "list.html", listing=listing, title="Notifications of gateways", tabs=TABS, actions=AGAIN,
        about="What gateways told us, as it came. One that failed is worked on again by itself, later"
        " and later; by hand once its cause is mended. Nothing is credited twice by that.",
        empty="No gateway has told us anything yet.",
    )  # fmt: skip


@pages.post("/notifications/<uuid:delivery_id>/replay")
def replay(delivery_id: UUID) -> Response:
    attempt(lambda: apis().payments.replay_delivery(delivery_id), "The worker takes it again.")
    return redirect(url_for("gateways.deliveries"), 303)


@pages.get("/refunds")
def refunds() -> str:
    states = Filter("state", "State", choices("refund_pending", "refunded", "failed"))
    listing = read(
        apis().payments.refunds, REFUNDS, table="gateway_refunds", filters=(states, GATEWAY)
    )
    return render_template(
        "list.html", listing=listing, title="Refunds at gateways", tabs=TABS,
        about="Money on its way back. A refund that failed left the money here: its error says why.",
        empty="Nothing was given back through a gateway yet.",
    )  # fmt: skip


@pages.get("/methods")
def methods() -> str:
    states = Filter("state", "State", choices("pending", "active", "failed", "removing", "removed"))
    listing = read(
        apis().payments.saved_methods, METHODS, table="payment_methods",
        filters=(states, Filter("gateway", "Gateway", choices("bkash", "stripe"))),
    )  # fmt: skip
    return render_template(
        "list.html", listing=listing, title="Saved payment methods", tabs=TABS, actions=(FORGET,),
        about="By which customers pay by themselves. Number and secret lie with the gateway alone.",
        empty="Nobody saved a method of payment yet.",
    )  # fmt: skip


@pages.post("/methods/<uuid:method_id>/forget")
def forget(method_id: UUID) -> Response:
    """Nothing is charged by it from now on; the gateway is told next."""
    payments = apis().payments
    etag = payments.saved_method(method_id).etag
    attempt(lambda: payments.forget_method(method_id, etag), "Nothing is charged by it any more.")
    return redirect(url_for("gateways.methods"), 303)


@pages.get("/ledger-proof")
def proof() -> str:
    """The last comparison of accounts, bills and payments with the ledger."""
    return render_template("proof.html", proof=apis().payments.ledger_proof(), tabs=TABS)
