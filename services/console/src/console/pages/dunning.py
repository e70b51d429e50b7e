"""Collecting › Dunning: promises to pay, reminders that were sent, and the policies behind them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.api_client import Refused
from console.asking import Field, Page, Question, ask, change, in_site_currency, shown
from console.context import apis, may
from console.formatting import choices
from console.listing import Action, Column, Filter, Item, read
from console.pages.classes import class_names

pages = Blueprint("dunning", __name__)
TABS = (
    ("Promises", "dunning.promises", "bills.read"),
    ("Reminders", "dunning.reminders", "bills.read"),
    ("Policies", "dunning.policies", "bills.read"),
    ("Days without cut-off", "days_off.show", "bills.read"),
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
EVERYBODY = "default"


def policy_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    name = item["class_id"] or EVERYBODY
    return url_for("dunning.edit_policy", name=name) if may("dunning.write") else ""


def policy_columns(classes: dict[str, str]) -> tuple[Column, ...]:
    def name(_: Item, class_id: str | None) -> str:
        return classes.get(class_id, class_id) if class_id else "Everybody"

    return (
        Column("Class", "class_id", link=policy_of, only=name),
        Column("Days of grace", "grace_days"),
        Column("Reminded on days", "remind_days", "data"),
        Column("A promise lasts (days)", "promise_days"),
        Column("Promises a quarter", "promises_a_quarter"),
    )


POLICY_ACTIONS = (Action("Edit", policy_of, "dunning.write", asks=True, of="class_id"),)
POLICY = (
    Field("grace_days", "Days of grace", "number", required=True,
          hint="So many days after the due day a bill is overdue."),
    Field("remind_days", "Reminded on days",
          hint="Days after the due day, with commas: -3, 0, 7. Negative ones are before it. Empty: never."),
    Field("promise_days", "A promise to pay lasts at most (days)", "number", required=True,
          hint="0: no promises are taken."),
    Field("promises_a_quarter", "Promises a quarter", "number", required=True),
)  # fmt: skip
WITHDRAW = (
    Action(
        "Withdraw", lambda item: url_for("dunning.withdraw", promise_id=item["id"]),
        "promises.write", lambda item: item["state"] == "open", asks=True, of="customer_name",
    ),
)  # fmt: skip


@pages.get("/dunning/promises")
def promises() -> str:
    filters = (Filter("state", "State", choices(*STATES)),)
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
    listing = read(
        apis().payments.dunning_policies, policy_columns(class_names()), table="dunning_policies"
    )
    return render_template(
        "list.html", listing=listing, title="Dunning policies", tabs=TABS, actions=POLICY_ACTIONS,
        tools=(("Of another class …", url_for("classes.list_classes"), "dunning.write"),),
        about="Grace, reminders and promises, for everybody and for classes with their own.",
        empty="No policies.",
    )  # fmt: skip


@pages.route("/dunning/policies/<name>", methods=["GET", "POST"])
def edit_policy(name: str) -> Page:
    """Of a class by its id, or of everybody; bills that are out are dunned by it too."""
    payments = apis().payments
    whose = "everybody" if name == EVERYBODY else class_names().get(name, "a class")

    def question(found: dict[str, Any]) -> Question:
        days = ", ".join(str(day) for day in found["remind_days"])
        return Question(
            f"Dunning of {whose}", "Save", POLICY, url_for("dunning.policies"),
            "From now on, bills that are out included.", values=shown(POLICY, found) | {"remind_days": days},
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        days = str(body.pop("remind_days", "")).replace(",", " ").split()
        return payments.set_dunning_policy(name, body | {"remind_days": whole(days)}, etag)

    return change(lambda: payments.dunning_policy(name), question, send, "Saved.")


def whole(texts: list[str]) -> list[int]:
    """Raises Refused for what is no whole number."""
    for each in texts:
        if not each.removeprefix("-").isdecimal():
            detail = f"“{each}” is no day: write whole numbers with commas, such as -3, 0, 7."
            raise Refused.here("Not saved", "remind_days", "invalid", detail)
    return [int(each) for each in texts]
