"""Collecting › Dunning: promises to pay, reminders that were sent, and the policies behind them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.asking import Field, Page, Question, ask, in_site_currency
from console.context import apis
from console.formatting import words
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("dunning", __name__)
TABS = (
    ("Promises", "dunning.promises", "bills.read"),
    ("Reminders", "dunning.reminders", "bills.read"),
    ("Policies", "dunning.policies", "bills.read"),
)
STATES = ("open", "kept", "broken", "withdrawn")


def customer_of(item: Item) -> str:
    return url_for("profile.show", customer_id=item["customer_id"])


PROMISES = (
    Column("Given", "created_at", "time", sort="created_at"),
    Column("Customer", "customer_name", link=customer_of, under="username"),
    Column("Amount", "amount", "money"),
    Column("Until", "until", "time"),
    Column("State", "state", "words", under="note"),
    Column("Taken by", "operator_name"),
    Column("Ended", "ended_at", "time", chosen=False),
)
REMINDERS = (
    Column("At", "at", "time", sort="at"),
    Column("Customer", "customer_id", "code", link=customer_of),
    Column("Day of the bill", "day"),
    Column("Bill", "bill_id", "code"),
)
POLICIES = (
    Column("Class", "class_id", "code", only=lambda _, class_id: class_id or "everybody"),
    Column("Days of grace", "grace_days"),
    Column("Reminded on days", "remind_days", "data"),
    Column("A promise lasts (days)", "promise_days"),
    Column("Promises a quarter", "promises_a_quarter"),
)
WITHDRAW = (
    Action(
        "Withdraw", lambda item: url_for("dunning.withdraw", promise_id=item["id"]),
        "promises.write", lambda item: item["state"] == "open", asks=True, of="customer_name",
    ),
)  # fmt: skip


@pages.get("/dunning/promises")
def promises() -> str:
    filters = (Filter("state", "State", tuple((state, words(state)) for state in STATES)),)
    listing = read(apis().payments.promises, PROMISES, table="promises", filters=filters)
    return render_template(
        "list.html", listing=listing, title="Promises to pay", tabs=TABS, actions=WITHDRAW,
        about="Who promised to pay until when: not overdue, and not suspended, until then.",
        empty="Nobody has promised anything yet.",
    )  # fmt: skip


@pages.route("/dunning/promises/<uuid:promise_id>/withdraw", methods=["GET", "POST"])
def withdraw(promise_id: UUID) -> Page:
    question = Question(
        "Withdraw a promise", "Withdraw it", (Field("reason", "Reason", required=True),),
        url_for("dunning.promises"), "What is late is overdue again at once.", danger=True,
    )  # fmt: skip
    send = apis().payments.withdraw_promise
    return ask(question, lambda body, key: send(promise_id, body, key), "Withdrawn.")


@pages.route("/customers/<uuid:customer_id>/promises/new", methods=["GET", "POST"])
def promise(customer_id: UUID) -> Page:
    """From the profile of a customer."""
    customer = apis().customers.customer(customer_id).body
    question = Question(
        f"{customer['name']} promises to pay", "Take the promise",
        (
            Field("until", "Last day", "date", required=True),
            Field("amount", "Amount", "money", hint="Empty: all that is owed."),
            Field("note", "Note", "remark"),
        ),
        url_for("profile.show", customer_id=customer_id),
        "Until the end of that day nothing of it is overdue, and nobody is suspended for it.",
        values=in_site_currency("amount"),
    )  # fmt: skip
    send = apis().payments.promise
    return ask(question, lambda body, key: send(customer_id, body, key), "The promise is taken.")


@pages.get("/dunning/reminders")
def reminders() -> str:
    listing = read(apis().payments.reminders, REMINDERS, table="reminders")
    return render_template(
        "list.html", listing=listing, title="Reminders", tabs=TABS,
        about="What customers were reminded of, through your webhook on bill.reminder.",
        empty="Nobody was reminded yet.",
    )  # fmt: skip


@pages.get("/dunning/policies")
def policies() -> str:
    listing = read(apis().payments.dunning_policies, POLICIES, table="dunning_policies")
    return render_template(
        "list.html", listing=listing, title="Dunning policies", tabs=TABS,
        about="Grace, reminders and promises, for everybody and for classes with their own."
        " PUT /v1/dunning-policies/default at payments changes them.",
        empty="No policies.",
    )  # fmt: skip
