"""Administration › Customer classes: the rules that statuses follow, per sort of customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.api_client import Refused, Silent
from console.asking import Field, Page, Question, ask, change, shown
from console.context import apis, may
from console.listing import Action, Column, Item, read

pages = Blueprint("classes", __name__, url_prefix="/customer-classes")
EFFECTS = (("suspend", "is suspended"), ("limit", "is slowed down"))
ACCESS = (("walled", "reaches the payment page only"), ("blocked", "is offline"))


def form_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    return url_for("classes.edit", class_id=item["id"]) if may("customer_classes.write") else ""


CLASSES = (
    Column("Name", "name", sort="name", link=form_of),
    Column("Who is overdue", "overdue_effect", only=lambda _, value: dict(EFFECTS).get(value)),
    Column("Who is suspended", "suspended_access", only=lambda _, value: dict(ACCESS).get(value)),
    Column("Overdue until terminated (days)", "grace_days"),
    Column("Terminated until closed (days)", "termination_days"),
    Column("Failed automatic payments", "retry_limit"),
    Column("Renews", "renews", "yes_no"),
    Column("Slowed down to (kbit/s)", "limited_kbps", chosen=False),
    Column("Charged while suspended", "charge_while_suspended", "yes_no", chosen=False),
    Column("Suspended without funds", "funds_suspend", "yes_no", chosen=False),
    Column("Pays as it goes", "pay_as_you_go", "yes_no", chosen=False),
)
ACTIONS = (
    Action("Edit", form_of, "customer_classes.write", asks=True),
    Action("Dunning", lambda item: url_for("dunning.edit_policy", name=item["id"]),
           "dunning.write", asks=True),
)  # fmt: skip
NAME = Field("name", "Name", required=True)
RULES = (
    Field("overdue_effect", "Who is overdue", "choice", required=True, options=EFFECTS),
    Field("suspended_access", "Who is suspended", "choice", required=True, options=ACCESS,
          hint="The payment page is where the walled garden sends them."),
    Field("limited_kbps", "Slowed down to (kbit/s)", "number", required=True),
    Field("grace_days", "Days overdue until provisional termination", "number", required=True),
    Field("termination_days", "Days of provisional termination until it is closed for good", "number",
          required=True),
    Field("retry_limit", "Failed automatic payments until they are frozen", "number", required=True),
    Field("renews", "Another period follows by itself", "tick",
          hint="Of postpaid customers, and of prepaid ones whose funds cover it."),
    Field("charge_while_suspended", "Periods are charged while suspended for a bill", "tick"),
    Field("funds_suspend", "Without available funds the customer is suspended", "tick",
          hint="Not ticked: shown as without funds, which nothing postpones."),
    Field("pay_as_you_go", "Prepaid funds that reach zero stop the service", "tick",
          hint="For who pays as it goes. Elsewhere a period is paid in advance, and zero is usual."),
)  # fmt: skip
# What a new class begins with: as the standard class is at first.
FIRST = {"overdue_effect": "suspend", "suspended_access": "walled", "limited_kbps": "512",
         "grace_days": "30", "termination_days": "30", "retry_limit": "3", "renews": "1",
         "charge_while_suspended": "1"}  # fmt: skip


@pages.get("")
def list_classes() -> str:
    listing = read(apis().customers.classes, CLASSES, table="customer_classes")
    return render_template(
        "list.html", listing=listing, title="Customer classes", actions=ACTIONS,
        tools=(("Add class", url_for("classes.add"), "customer_classes.write"),),
        about="What becomes of who does not pay, and what is done by itself. Which class a customer is"
        " of stands under Edit of the customer.",
        empty="No classes.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add customer class", "Add", (NAME, *RULES), url_for("classes.list_classes"), values=FIRST
    )
    return ask(question, apis().customers.add_class, "Added. Customers get it under Edit.")


@pages.route("/<uuid:class_id>", methods=["GET", "POST"])
def edit(class_id: UUID) -> Page:
    """A job tells everybody of every customer of the class anew."""
    services = apis().customers

    def question(found: dict[str, Any]) -> Question:
        return Question(
            f"Customer class {found['name']}", "Save", RULES, url_for("classes.list_classes"),
            "Counts for every customer of the class, from now on: a job tells the network.",
            values=shown(RULES, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return services.change_class(class_id, body, etag)

    done = "Saved. A job applies it to its customers."
    return change(lambda: services.customer_class(class_id), question, send, done)


def class_names() -> dict[str, str]:
    """By id; empty where customers does not say: what a page shows is worth more than a class's name."""
    try:
        items = apis().customers.classes({"limit": 500})["items"]
    except (Refused, Silent):
        return {}
    return {each["id"]: each["name"] for each in items}
