"""Administration › Packages: what customers can subscribe to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from console.asking import Field, Page, Question, ask, change, in_site_currency, shown
from console.context import apis, may
from console.failures import attempt
from console.listing import Action, Column, Filter, Item, read

pages = Blueprint("packages", __name__, url_prefix="/packages")


def form_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    return url_for("packages.edit", package_id=item["id"]) if may("packages.write") else ""


def sale_of(item: Item) -> str:
    return url_for("packages.switch", package_id=item["id"])


PACKAGE_FILTERS = (Filter("retired", "Sold", (("false", "On sale"), ("true", "Retired"))),)
PACKAGES = (
    Column("Name", "name", sort="name", link=form_of),
    Column("Price", "price", "money", sort="price"),
    Column("Billing cycle", "billing_cycle", "words"),
    Column("Download (kbit/s)", "download_kbps"),
    Column("Upload (kbit/s)", "upload_kbps"),
    Column("Valid for (days)", "validity_days"),
    Column("Retired", "retired", "yes_no", chosen=False),
    Column("Attributes", "attributes", "data", chosen=False),
)
ACTIONS = (
    Action("Edit", form_of, "packages.write", asks=True),
    Action("Retire", sale_of, "packages.write", lambda item: not item["retired"], danger=True),
    Action("Sell again", sale_of, "packages.write", lambda item: item["retired"]),
)
FIELDS = (
    Field("name", "Name", required=True),
    Field("price", "Price", "money", required=True),
    Field("billing_cycle", "Billing cycle", "choice", required=True,
          options=(("monthly", "Monthly"), ("daily", "Daily"))),
    Field("validity_days", "Valid for (days)", "number", required=True),
    Field("download_kbps", "Download (kbit/s)", "number", required=True),
    Field("upload_kbps", "Upload (kbit/s)", "number", required=True),
)  # fmt: skip


@pages.get("")
def list_packages() -> str:
    listing = read(
        apis().customers.packages,
        PACKAGES,
        table="packages",
        filters=PACKAGE_FILTERS,
        search="Name",
    )
    return render_template(
        "list.html", listing=listing, title="Packages", actions=ACTIONS,
        tools=(("Add package", url_for("packages.add"), "packages.write"),),
        about="What customers can subscribe to.", empty="No packages yet.",
    )  # fmt: skip


@pages.route("/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add package", "Add", FIELDS, url_for("packages.list_packages"),
        values=in_site_currency("price") | {"validity_days": "30"},
    )  # fmt: skip
    return ask(question, apis().customers.add_package, "Added.")


@pages.route("/<uuid:package_id>", methods=["GET", "POST"])
def edit(package_id: UUID) -> Page:
    """Live customers get the new rate; what is billed stays."""
    services = apis().customers

    def question(found: dict[str, Any]) -> Question:
        return Question(
            f"Package {found['name']}", "Save", FIELDS, url_for("packages.list_packages"),
            "Customers who have it get the new rate at once. What is billed stays.",
            values=shown(FIELDS, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return services.change_package(package_id, body, etag)

    return change(lambda: services.package(package_id), question, send, "Saved.")


@pages.post("/<uuid:package_id>/switch")
def switch(package_id: UUID) -> Response:
    """Retired, nobody new gets it; who has it keeps it."""
    services = apis().customers
    found = services.package(package_id)
    retired = not found.body["retired"]
    done = "Retired: who has it keeps it." if retired else "It is sold again."
    change = {"retired": retired}
    attempt(lambda: services.change_package(package_id, change, found.etag), done)
    return redirect(url_for("packages.list_packages"), 303)
