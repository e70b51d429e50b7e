"""Packages and classes: what is sold, by whom, and by which rules."""

from decimal import Decimal
from typing import Any

import pytest

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
    changed = site.admin.patch(place, {"overdue_effect": "limit", "limited_kbps": 256}, tag)
    assert changed.status_code == 200, changed.text
    site.run_jobs()
    event = site.events(made["id"])[-1]
    assert event.data["customer"]["overdue_effect"] == "limit"
    assert event.data["customer"]["limited_kbps"] == 256
    assert site.operator("north").patch(place, {"limited_kbps": 1}).status_code == 403
