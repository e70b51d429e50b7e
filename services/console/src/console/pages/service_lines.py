"""Further service lines of one customer (C46): opened, and closed for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from console.asking import Field, Page, Question, ask
from console.context import apis
from console.failures import attempt
from console.formatting import SERVICES

pages = Blueprint("service_lines", __name__, url_prefix="/customers/<uuid:customer_id>/accounts")


@pages.route("/new", methods=["GET", "POST"])
def add(customer_id: UUID) -> Page:
    back = url_for("profile.show", customer_id=customer_id, _anchor="accounts")
    question = Question(
        "Open a service line", "Open it",
        (
            Field("name", "Name", required=True, hint="What it is for: shop, camera, second flat."),
            Field("service_type", "Service", "choice", required=True, options=SERVICES),
        ),
        back, "It is a line in the customer's books. The login of the customer stays the one there is.",
    )  # fmt: skip

    def send(body: dict[str, Any], key: str) -> Any:
        return apis().customers.act(customer_id, "accounts", body, key)

    return ask(question, send, "Opened.")


@pages.post("/<uuid:account_id>/close")
def close(customer_id: UUID, account_id: UUID) -> Response:
    """Its row stays, as closed."""
    close_it = apis().customers.close_account
    attempt(lambda: close_it(customer_id, account_id), "Closed.")
    return redirect(url_for("profile.show", customer_id=customer_id, _anchor="accounts"), 303)
