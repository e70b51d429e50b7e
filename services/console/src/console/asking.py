"""A page that asks something before it is done: one form, described by its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from console.api_client import Answer, Refused
from console.context import apis, tell
from console.forms import Form

Page = str | Response | tuple[str, int]
# The body for the API and the Idempotency-Key; of a change the ETag of what the form was made of.
Send = Callable[[dict[str, Any], str], Answer]


@dataclass(frozen=True)
class Field:
    """`kind` money is an amount and its currency; tick is true or false; choice takes `options`; lines
    is a longer text."""

    name: str
    label: str
    kind: Literal[
        "text",
        "password",
        "date",
        "number",
        "url",
        "email",
        "tel",
        "money",
        "choice",
        "remark",
        "lines",
        "tick",
        "ticks",
        "file",
    ] = "text"
    required: bool = False
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()

    def sent(self) -> Any:
        """What the form holds of it, as the API takes it; None when it was left empty."""
        if self.kind == "file":
            return request.files.get(self.name)
        given = request.form.get(self.name, "")
        if self.kind == "tick":
            return bool(given)
        if self.kind == "ticks":
            return request.form.getlist(self.name) or None
        if self.kind == "password":
            return given or None
        given = given.strip()
        if self.kind == "money" and given:
            currency = request.form.get(f"{self.name}_currency", "").strip().upper()
            return {"amount": given, "currency": currency}
        if self.kind == "number" and given.isdecimal():
            return int(given)
        return given or None

    def shown(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The inverse of `sent`: what fills the form of what an answer says."""
        value = found.get(self.name)
        if self.kind == "tick":
            return {self.name: "1" if value else ""}
        if self.kind == "ticks":
            return {self.name: [str(each) for each in value or ()]}
        if self.kind == "money" and value is not None:
            return {self.name: value["amount"], f"{self.name}_currency": value["currency"]}
        return {self.name: "" if value is None else str(value)}


def shown(fields: Sequence[Field], found: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form about what is there."""
    return {name: value for each in fields for name, value in each.shown(found).items()}


@dataclass(frozen=True)
class Question:
    """`values` fill the fields at first; `back` is where Cancel leads.

    `ids` are what was ticked before; `action` is where the form goes, if not to its own page.
    """

    title: str
    button: str
    fields: Sequence[Field]
    back: str
    lead: str = ""
    danger: bool = False
    ids: Sequence[str] = ()
    action: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def carries_file(self) -> bool:
        return any(each.kind == "file" for each in self.fields)

    @property
    def labels(self) -> dict[str, str]:
        return {each.name: each.label for each in self.fields}

    def sent(self) -> dict[str, Any]:
        """The body for the API; what was left empty is left out."""
        given = {each.name: each.sent() for each in self.fields}
        return {name: value for name, value in given.items() if value is not None}


def ask(
    question: Question,
    send: Send,
    done: str = "",
    then: Callable[[Answer], Page] | None = None,
) -> Page:
    """Show the form; on POST `send` it (body, Idempotency-Key), say `done` and go back.

    `then` makes the page after it of the answer instead. A refusal comes back with what was typed.
    """
    if request.method == "GET":
        return show(question)
    return answer(question, send, done, then)


def show(question: Question) -> str:
    return _page(question, Form(question.values))


def answer(
    question: Question, send: Send, done: str = "", then: Callable[[Answer], Page] | None = None
) -> Page:
    """What `ask` does on POST, for a form that was reached by another one."""
    try:
        said = send(question.sent(), request.form["key"])
    except Refused as refused:
        return _page(question, Form.sent(refused)), refused.status
    if then is not None:
        return then(said)
    tell(done)
    return redirect(question.back, 303)


def change(
    read: Callable[[], Answer], question: Callable[[Any], Question], send: Send, done: str
) -> Page:
    """`ask` about what is there: `read` it, make the `question` of it, `send` the change (body, ETag).

    Whoever was overtaken keeps what was typed, sees beside each field what stands there now, and
    overwrites it by sending once more.
    """
    found = read()
    asked = question(found.body)
    if request.method == "GET":
        return _page(asked, Form(asked.values, etag=found.etag))
    try:
        send(asked.sent(), request.form.get("etag", ""))
    except Refused as refused:
        return _page(asked, Form.again(refused, found.etag, asked.values)), refused.status
    tell(done)
    return redirect(asked.back, 303)


def in_site_currency(*names: str) -> dict[str, str]:
    """Values that fill in the currency of these money fields."""
    currency = str(apis().customers.settings()["default_currency"])
    return {f"{name}_currency": currency for name in names}


def _page(question: Question, form: Form) -> str:
    return render_template("question.html", question=question, form=form)
