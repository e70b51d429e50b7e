"""Pages with one form about one customer: add, edit, delete, take a payment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from console.api_client import Answer, Refused
from console.asking import Field, Page, Question, ask, change, shown
from console.context import apis, tell
from console.formatting import METHODS, REASONS, SERVICES, money
from console.forms import Form, filled, ticked
from console.pages.classes import class_names
from console.pages.profile import packages_on_sale

pages = Blueprint("customer_forms", __name__, url_prefix="/customers")

LIMITS = ("credit_limit", "spending_limit")
# What an empty field takes away; of the others an empty one leaves what is there.
CLEARED = ("email", "phone", "address", "static_address", *LIMITS)
NAME = Field("name", "Name", required=True)
LOGIN = Field("username", "Username", required=True,
              hint="PPPoE or hotspot login: letters, digits, . _ - @")  # fmt: skip
REACHED = (
    Field("phone", "Phone", "tel"),
    Field("email", "E-mail", "email"),
    Field("address", "Address", "remark"),
)
PERSON = (
    NAME,
    LOGIN,
    Field("password", "New password for the network", "password", hint="Empty: stays as it is."),
    *REACHED,
    Field("static_address", "Static IP address", hint="Empty: one of the pool."),
)
SIGN_UP = (NAME, LOGIN, Field("password", "Password for the network", "password"), *REACHED)
SERVED = (
    Field("service_type", "Service", "choice", required=True, options=SERVICES),
    Field("balance_control", "Balance control", "choice", required=True,
          options=(("prepaid", "Prepaid"), ("postpaid", "Postpaid"))),
)  # fmt: skip
MONEY = (
    Field("credit_limit", "Credit limit", "money", hint="Of postpaid customers. Empty: none."),
    Field("spending_limit", "Spending limit a day", "money", hint="Empty: none."),
    Field("auto_payment", "Pays automatically", "tick"),
)
# Gateways record their own payments; by hand comes what a person receives.
BY_HAND = ("cash", "bank_transfer", "bkash", "nagad", "other")


@pages.route("/new", methods=["GET", "POST"])
def new() -> Page:
    packages = Field("package_id", "Package", "choice", options=packages_on_sale())
    question = Question(
        "Add customer", "Add customer", (*SIGN_UP, packages, *SERVED, *_of_class(required=False)),
        url_for("customers.list_customers"),
    )  # fmt: skip

    def then(made: Answer) -> Page:
        tell(f"{made.body['name']} is added. Activate a package to let them online.")
        return redirect(url_for("profile.show", customer_id=made.body["id"]), 303)

    return ask(question, apis().customers.create, then=then)


def _of_class(*, required: bool) -> tuple[Field, ...]:
    """The choice of the class, for who sees the classes."""
    classes = tuple(class_names().items())
    hint = "What becomes of who does not pay." + ("" if required else " Empty: the standard one.")
    field = Field("class_id", "Class", "choice", required=required, options=classes, hint=hint)
    return (field,) if classes else ()


@pages.route("/<uuid:customer_id>/edit", methods=["GET", "POST"])
def edit(customer_id: UUID) -> Page:
    """C56: the click on the name leads here by way of the profile."""
    services, fields = apis().customers, (*PERSON, *_of_class(required=True), *MONEY)

    def question(found: dict[str, Any]) -> Question:
        currencies = {f"{name}_currency": found.get("currency") or "" for name in LIMITS}
        return Question(
            f"Edit {found['name']}", "Save", fields,
            url_for("profile.show", customer_id=customer_id),
            values=currencies | shown(fields, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return services.change(customer_id, dict.fromkeys(CLEARED) | body, etag)

    return change(lambda: services.customer(customer_id), question, send, "Saved.")


@pages.get("/<uuid:customer_id>/delete")
def confirm_delete(customer_id: UUID) -> Page:
    return _delete(customer_id, Form())


@pages.post("/<uuid:customer_id>/delete")
def delete(customer_id: UUID) -> Page:
    """Soft (A2). What stands against it is shown with what resolves it (C48, decision 7)."""
    body = filled("reason", "note") | {"cascade": ticked("cascade")}
    try:
        gone = apis().customers.act(customer_id, "delete", body, request.form["key"]).body
    except Refused as refused:
        return _delete(customer_id, Form.sent(refused)), refused.status
    tell(f"{gone['name']} is deleted. The record stays in Deleted Customers and can be restored.")
    return redirect(url_for("customers.list_customers"), 303)


def _delete(customer_id: UUID, form: Form) -> str:
    customer = apis().customers.customer(customer_id).body
    return render_template("delete_one.html", customer=customer, form=form, reasons=REASONS)


@pages.get("/<uuid:customer_id>/payments/new")
def new_payment(customer_id: UUID) -> Page:
    """E29, E30: from the profile or straight from the list."""
    return _payment(customer_id, Form())


@pages.post("/<uuid:customer_id>/payments/new")
def take_payment(customer_id: UUID) -> Page:
    """E31–E33. The key was made with the form: sending it twice records one payment."""
    body: dict[str, Any] = filled("method", "transaction_reference", "note")
    body |= {
        "customer_id": str(customer_id),
        "amount": {"amount": request.form["amount"].strip(), "currency": request.form["currency"]},
    }
    if reason := request.form.get("override", "").strip():
        body["override_duplicate"] = {"reason": reason}
    try:
        payment = apis().payments.record(body, request.form["key"]).body
    except Refused as refused:
        return _payment(customer_id, Form.sent(refused)), refused.status
    tell(f"{money(payment['amount'])} from {payment['customer_name']} is recorded.")
    return redirect(url_for("payments.list_payments"), 303)


def _payment(customer_id: UUID, form: Form) -> str:
    customer = apis().customers.customer(customer_id).body
    methods = [(name, METHODS[name]) for name in BY_HAND]
    return render_template("payment_new.html", customer=customer, form=form, methods=methods)
