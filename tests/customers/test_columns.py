"""What the lists show of a customer, and what a deletion keeps and a correction changes (seeds A, C, D)."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.events import Wire
from tests.customers.conftest import Site


@pytest.mark.parametrize(
    ("control", "shown"), [("postpaid", "balance"), ("prepaid", "available_funds")]
)
def test_the_list_shows_the_money_by_its_balance_control(
    site: Site, account: Callable[..., Wire], control: str, shown: str
) -> None:
    """C40-C44: control, currency, balance and credit limit, available funds; C39, C56: the name's record."""
    limit = {"amount": "900.00", "currency": "BDT"} if control == "postpaid" else None
    made = site.customer("rahim", balance_control=control, credit_limit=limit)
    site.hear(account(made["id"], 3, outstanding="120.50", available_funds="75.25"))
    (row,) = site.admin.get("/v1/customers").get_json()["items"]
    assert (row["balance_control"], row["currency"]) == (control, "BDT")
    amounts = {"balance": "120.50", "available_funds": "75.25"}
    assert row[shown] == {"amount": amounts[shown], "currency": "BDT"}
    assert row["credit_limit"] == limit
    record: Any = site.admin.get(f"/v1/customers/{row['id']}").get_json()
    assert {name: record[name] for name in row} == row


def test_a_deletion_marks_the_record_and_keeps_its_trail(site: Site) -> None:
    """A3, A5: marked as deleted; what was done before still stands in the log, and the deletion too."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}"
    assert site.admin.patch(place, {"address": "House 7"}).status_code == 200
    before: Any = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    assert site.admin.post(f"{place}/delete", {"reason": "closed_account"}).status_code == 200
    assert site.one("SELECT state FROM customer WHERE id = :id", id=made["id"]).state == "deleted"
    after: Any = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    assert after[1:] == before and after[0]["action"] == "customer.deleted"
    assert after[0]["actor"] == "admin" and after[0]["at"]


def test_an_operator_error_is_undone_at_once_and_who_returns_is_served_again(site: Site) -> None:
    """A22, A42: deleted by mistake, needed immediately; A23: the person returns as a subscriber."""
    package = site.package()
    mistaken = site.deleted("rahim", "operator_error")
    back: Any = site.admin.post(f"/v1/deleted-customers/{mistaken['id']}/restore")
    assert back.status_code == 200 and back.get_json()["id"] == mistaken["id"]
    assert site.admin.get(f"/v1/customers/{mistaken['id']}").status_code == 200
    left = site.deleted("karim", "migrated_away")
    body = {"package_id": package, "activate": True}
    returned: Any = site.admin.post(f"/v1/deleted-customers/{left['id']}/restore", body).get_json()
    assert (returned["status"], returned["username"]) == ("active", "karim")


def test_a_deleted_record_is_edited_as_a_regular_one(site: Site) -> None:
    """D17, D19: in the deleted list's own place, every field of the profile, checked in the same way."""
    gone = site.deleted("rahim")
    place = f"/v1/deleted-customers/{gone['id']}"
    changes = {
        "name": "Rahim Uddin",
        "email": "r@example.org",
        "phone": "01711000009",
        "address": "7",
    }
    edited: Any = site.admin.patch(place, changes)
    assert edited.status_code == 200, edited.text
    profile = edited.get_json()["profile"]
    assert profile["phone"] == "+8801711000009"
    assert {name: profile[name] for name in ("name", "email", "address")} == {
        name: changes[name] for name in ("name", "email", "address")
    }
    assert site.admin.patch(place, {"email": "nothing"}).status_code == 422
