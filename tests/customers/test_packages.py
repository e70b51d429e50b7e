"""Packages and classes: what is sold, by whom, and by which rules."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.events import Wire
from shared.plan_attributes import ALLOWED
from tests.customers.conftest import Site

BODY = {
    "name": "Home 10", "price": {"amount": "500.00", "currency": "BDT"}, "billing_cycle": "monthly",
    "download_kbps": 10_000, "upload_kbps": 5_000, "validity_days": 30,
}  # fmt: skip


def test_a_package_is_told_of_whole_and_its_price_is_exact(site: Site) -> None:
    package = site.package()
    (event,) = site.events(package)
    assert Decimal(event.data["price"]) == 500 and event.data["validity_days"] == 30
    seen: Any = site.admin.get(f"/v1/packages/{package}").get_json()
    assert seen["price"] == {"amount": "500.00", "currency": "BDT"}
    site.admin.patch(f"/v1/packages/{package}", {"retired": True})
    assert [event.data["retired"] for event in site.events(package)] == [False, True]


WRONG: list[dict[str, Any]] = [
    {"price": {"amount": "-1", "currency": "BDT"}},
    {"price": {"amount": "1.001", "currency": "BDT"}},
    {"price": {"amount": "NaN", "currency": "BDT"}},
    {"price": {"amount": "1e30", "currency": "BDT"}},
    {"price": {"amount": "1,000", "currency": "BDT"}},
    {"price": "500"},
    {"validity_days": 0},
    {"download_kbps": 1.5},
    {"attributes": {"Mikrotik-Rate-Limit": "`id`"}},
    {"attributes": {"Mikrotik-Rate-Limit": "1M/1M\n"}},
    {"name": " "},
    {"name": "a\x00b"},
    {"retired": True},
    {"version": 7},
]


def test_a_wrong_field_is_refused_by_name(site: Site) -> None:
    """B2, B3, B8, B10."""
    for wrong in WRONG:
        answer: Any = site.admin.post("/v1/packages", BODY | wrong)
        assert answer.status_code == 422, wrong
        pointer = answer.get_json()["errors"][0]["pointer"]
        assert pointer.startswith(f"/{next(iter(wrong))}"), (wrong, pointer)


@pytest.mark.parametrize(
    ("url", "body", "pointer"),
    [
        ("/v1/packages", BODY | {"attributes": {"Filter-Id": "`id`"}}, "/attributes/Filter-Id"),
        ("/v1/packages", BODY | {"attributes": {"No Name": "x"}}, "/attributes/No Name"),
        ("/v1/packages", BODY | {"attributes": {"Bogus": "x"}}, "/attributes/Bogus"),
        ("/v1/packages", BODY | {"attributes": {"Session-Timeout": "abc"}},
         "/attributes/Session-Timeout"),
        ("/v1/customers", {"name": "A", "username": "a", "custom_fields": {"deep": {}}},
         "/custom_fields/deep"),
        ("/v1/customers", {"name": "A", "username": "a", "custom_fields": {"Bad": 1}},
         "/custom_fields/Bad"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_mapping_is_pointed_to_by_its_key(
    site: Site, url: str, body: dict[str, Any], pointer: str
) -> None:
    """RFC 6901: the pointer leads to a place in the body."""
    answer: Any = site.admin.post(url, body).get_json()
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


def test_attributes_of_their_form_are_taken(site: Site) -> None:
    """B8: all of them that radius-sync sends."""
    sent = {name: form.example for name, form in ALLOWED.items()}
    made = site.package("Own", attributes=sent)
    assert site.admin.get(f"/v1/packages/{made}").get_json()["attributes"] == sent


def test_a_new_package_tells_where_it_is(site: Site) -> None:
    made = site.admin.post("/v1/packages", BODY)
    place = made.headers["Location"]
    assert place == f"/v1/packages/{made.get_json()['id']}"
    assert site.admin.get(place).get_json() == made.get_json()


def test_a_manager_sells_own_packages_and_those_from_above_but_changes_only_the_own(
    site: Site,
) -> None:
    everybodys = site.package("Everybody's")
    boss = site.operator("boss", "manager")
    other = site.operator("other", "manager")
    own: Any = boss.post("/v1/packages", BODY | {"name": "Boss 10"}).get_json()
    assert own["operator_id"] == str(boss.id)
    below = site.operator("below", "reseller", boss)
    names = [row["name"] for row in below.get("/v1/packages").get_json()["items"]]
    assert names == ["Boss 10", "Everybody's"]
    assert other.get(f"/v1/packages/{own['id']}").status_code == 404
    assert boss.patch(f"/v1/packages/{everybodys}", {"name": "Mine"}).status_code == 403
    assert boss.patch(f"/v1/packages/{own['id']}", {"name": "Boss 20"}).status_code == 200


def test_changed_rules_of_a_class_are_told_for_every_customer_of_it(site: Site) -> None:
    made = site.customer("rahim")
    (rules,) = site.admin.get("/v1/customer-classes").get_json()["items"]
    place = f"/v1/customer-classes/{rules['id']}"
    tag = site.admin.get(place).headers["ETag"]
    assert site.events(made["id"])[-1].data["customer"]["retry_limit"] == 3
    rule = {"overdue_effect": "limit", "limited_kbps": 256, "retry_limit": 5}
    changed = site.admin.patch(place, rule, tag)
    assert changed.status_code == 200, changed.text
    site.run_jobs()
    event = site.events(made["id"])[-1]
    assert event.data["customer"]["overdue_effect"] == "limit"
    assert event.data["customer"]["limited_kbps"] == 256
    assert event.data["customer"]["retry_limit"] == 5, "of automatic payments (C29)"
    assert site.operator("north").patch(place, {"limited_kbps": 1}).status_code == 403


def test_a_class_is_added_and_its_rules_hold_for_who_is_moved_to_it(
    site: Site, account: Callable[..., Wire]
) -> None:
    """C11, C26, and what lifts it: the class says that funds of zero stop the service."""
    body = {"name": "pay as you go", "pay_as_you_go": True, "grace_days": 7}
    added = site.admin.post("/v1/customer-classes", body)
    assert added.status_code == 201, added.text
    sort: Any = site.admin.get(added.headers["Location"]).get_json()
    assert (sort["grace_days"], sort["termination_days"], sort["version"]) == (7, 30, 1)
    again = site.admin.post("/v1/customer-classes", body)
    assert (again.status_code, again.get_json()["errors"][0]["pointer"]) == (409, "/name")
    assert site.operator("north").post("/v1/customer-classes", body).status_code == 403

    made = site.customer("rahim", package_id=site.package())
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    site.hear(account(made["id"], 1, available_funds="0"))
    assert site.admin.get(place).get_json()["status"] == "active"
    moved = site.admin.patch(place, {"class_id": sort["id"]})
    assert moved.get_json()["status"] == "no_available_funds"
    assert site.events(made["id"])[-1].data["customer"]["holds"] == ["funds"]
    standard = "00000000-0000-7000-8000-000000000001"
    assert site.admin.patch(place, {"class_id": standard}).get_json()["status"] == "active"


def test_another_credit_limit_holds_and_lifts_at_once(
    site: Site, account: Callable[..., Wire]
) -> None:
    """C24, C43: not with the next payment only."""
    limit = {"amount": "100.00", "currency": "BDT"}
    made = site.customer("rahim", package_id=site.package(), balance_control="postpaid",
                         credit_limit=limit)  # fmt: skip
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    site.hear(account(made["id"], 1, outstanding="60.00"))
    lower = site.admin.patch(place, {"credit_limit": limit | {"amount": "50.00"}})
    assert lower.get_json()["status"] == "credit_exceeded"
    higher = site.admin.patch(place, {"credit_limit": limit | {"amount": "60.00"}})
    assert higher.get_json()["status"] == "active"
