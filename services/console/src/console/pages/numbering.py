"""Administration › Numbering: with which patterns operators number receipts, bills and credits (E28)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template, url_for

from console.asking import Field, Page, Question, change, shown
from console.context import apis, may
from console.listing import Action, Column, Item, read

pages = Blueprint("numbering", __name__, url_prefix="/numbering")
KINDS = (
    ("receipt", "Receipts"),
    ("bill", "Bills"),
    ("proforma", "Proforma bills"),
    ("credit", "Credits"),
)
HOW = (
    "{operator} is the username, {year} the year, {number} runs on; {number:06d} has six digits. Beside"
    " them letters, digits and . / _ -. A year gone by counts on where it was; what is numbered stays."
)  # fmt: skip


def form_of(item: Item) -> str:
    """Where to change them; empty for who may not."""
    allowed = may("number_patterns.write")
    return url_for("numbering.edit", operator_id=item["operator_id"]) if allowed else ""


PATTERNS = (
    Column("Operator", "operator_name", sort="operator_path", link=form_of),
    *(
        Column(label, name, "code", only=lambda _, value: value or "as above")
        for name, label in KINDS
    ),
)
ACTIONS = (Action("Edit", form_of, "number_patterns.write", asks=True, of="operator_name"),)


@pages.get("")
def list_patterns() -> str:
    listing = read(apis().payments.number_patterns, PATTERNS, table="number_patterns")
    own = url_for("numbering.edit", operator_id=g.login.operator["id"])
    return render_template(
        "list.html", listing=listing, title="Numbering", actions=ACTIONS,
        tools=(
            ("My own numbers", own, "number_patterns.write"),
            ("Of an operator …", url_for("operators.list_operators"), "number_patterns.write"),
        ),
        about="Operators with patterns of their own for receipts, bills and credits. Everybody else"
        " numbers as the operator above, else as the site.",
        empty="Nobody has own patterns: all numbers are the site's.",
    )  # fmt: skip


@pages.route("/<uuid:operator_id>", methods=["GET", "POST"])
def edit(operator_id: UUID) -> Page:
    """An empty field takes the operator's own pattern back."""
    payments = apis().payments

    def question(found: dict[str, Any]) -> Question:
        fields = [
            Field(name, label, hint=f"In force: {found['in_force'][name]}. Empty: as above, or the site's.")
            for name, label in KINDS
        ]  # fmt: skip
        return Question(
            f"Numbers of {found['operator_name']}", "Save", fields, url_for("numbering.list_patterns"),
            f"From the next number on, for everybody below without own patterns too. {HOW}",
            values=shown(fields, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return payments.set_patterns(operator_id, body, etag)

    return change(lambda: payments.operator_patterns(operator_id), question, send, "Saved.")
