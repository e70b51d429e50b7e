"""Administration › Operators: who works here, and who may no more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, url_for

from console.asking import Field, Page, Question, ask, change
from console.context import apis, may
from console.formatting import HOLDS
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("operators", __name__, url_prefix="/operators")
ROLES = (("reseller", "Reseller"), ("manager", "Manager"), ("admin", "Admin"))


def form_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    return url_for("operators.edit", operator_id=item["id"]) if may("operators.write") else ""


OPERATORS = (
    Column("Username", "username", sort="username", link=form_of),
    Column("Name", "name", sort="name"),
    Column("Role", "role", "words"),
    Column("Status", "status", "words"),
    Column(
        "Held", "holds", "data", only=lambda _, held: [HOLDS.get(kind, kind) for kind in held or ()]
    ),
    Column("Since", "created_at", "time", sort="created_at", chosen=False),
)
OPERATOR_FILTERS = (
    Filter("role", "Role", (("admin", "Admin"), ("manager", "Manager"), ("reseller", "Reseller"))),
    Filter("status", "Status", (("active", "Active"), ("disabled", "Disabled"))),
)
ACTIONS = (
    Action("Edit", form_of, "operators.write", asks=True),
    Action("API keys", lambda item: url_for("api_keys.list_keys", operator_id=item["id"]),
           "api_keys.write", asks=True),
    Action("Numbers", lambda item: url_for("numbering.edit", operator_id=item["id"]),
           "number_patterns.write", asks=True),
    Action("Hold", lambda item: url_for("operator_holds.add", operator_id=item["id"]),
           "operators.write", asks=True, danger=True),
    Action("Lift hold", lambda item: url_for("operator_holds.lift", operator_id=item["id"]),
           "operators.write", lambda item: bool(item.get("holds")), asks=True),
)  # fmt: skip
NAME = Field("name", "Name", required=True)
ROLE = Field("role", "Role", "choice", required=True, options=ROLES)


@pages.get("")
def list_operators() -> str:
    listing = read(
        apis().customers.operators, OPERATORS, table="operators", filters=OPERATOR_FILTERS,
        search="Name",
    )  # fmt: skip
    return render_template(
        "list.html", listing=listing, title="Operators", actions=ACTIONS,
        tools=(("Add operator", url_for("operators.add"), "operators.write"),),
        about="Who works here, in your branch of the tree.", empty="No operators below you.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add operator", "Add",
        (
            NAME, Field("username", "Username", required=True), ROLE,
            Field("password", "First password", "password", required=True, hint="At least 10 characters."),
        ),
        url_for("operators.list_operators"), "Below you in the tree.",
    )  # fmt: skip
    return ask(question, apis().customers.add_operator, "Added. The first password can be changed.")


@pages.route("/<uuid:operator_id>", methods=["GET", "POST"])
def edit(operator_id: UUID) -> Page:
    """Name, role, status, password. A disabled operator cannot sign in, nor can anybody below."""
    services = apis().customers
    status = Field("status", "Status", "choice", required=True,
                   options=(("active", "Active"), ("disabled", "Disabled")))  # fmt: skip
    password = Field("password", "New password", "password", hint="Empty: stays as it is.")

    def question(found: dict[str, Any]) -> Question:
        return Question(
            f"Operator {found['username']}", "Save", (NAME, ROLE, status, password),
            url_for("operators.list_operators"),
            "Who is disabled cannot sign in, nor can anybody below.", values=found,
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return services.change_operator(operator_id, body, etag)

    return change(lambda: services.operator(operator_id), question, send, "Saved.")
