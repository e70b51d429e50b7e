"""One customer as of a past moment, taken from the log: status, holds and profile of then."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request

from console.api_client import Refused
from console.asking import Page
from console.context import apis
from console.forms import Form
from console.times import in_zone

# Of the profile in the log, in the order of the profile's page.
FACTS = (
    ("customer_number", "Customer number"),
    ("name", "Name"),
    ("username", "Username"),
    ("phone", "Phone"),
    ("email", "E-mail"),
    ("address", "Address"),
    ("kind", "Kind"),
    ("service_type", "Service"),
    ("package", "Package"),
    ("expires_at", "Paid until"),
    ("static_address", "Static IP address"),
    ("balance_control", "Balance control"),
    ("credit_limit", "Credit limit"),
    ("spending_limit", "Spending limit a day"),
    ("auto_payment", "Pays automatically"),
    ("lift_suspension_until", "Suspension lifted until"),
    ("custom_fields", "Custom fields"),
)
pages = Blueprint("as_of", __name__, url_prefix="/customers/<uuid:customer_id>/as-of")


@pages.get("")
def show(customer_id: UUID) -> Page:
    """Asks for the moment, and shows what was then below; of a deleted customer as well."""
    at = request.args.get("at", "").strip()
    if not at:
        return _page(customer_id, Form())
    try:
        found = apis().customers.as_of(customer_id, {"at": in_zone(at)})
    except Refused as refused:
        if refused.status == 404:
            refused = _not_yet(refused)
        return _page(customer_id, Form({"at": at}, refused)), refused.status
    return _page(customer_id, Form({"at": at}), found)


def _not_yet(refused: Refused) -> Refused:
    detail = "There was no such customer at that time yet, or it is not in your branch. Take a later one."
    wrong = {"parameter": "at", "code": "too_early", "detail": detail}
    return Refused(refused.service, refused.status, {"title": "Nothing to show", "errors": [wrong]})


def _page(customer_id: UUID, form: Form, found: object = None) -> str:
    return render_template(
        "as_of.html", customer_id=customer_id, form=form, found=found, facts=FACTS
    )
