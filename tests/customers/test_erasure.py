"""Erasure from asking to proof: A32 to A38, D6 to D14, B13, F35, F44."""

from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, erase


def test_a_deleted_customer_is_erased_with_a_certificate_a32(site: Site) -> None:
    gone = site.deleted("rahim", phone="01711-123456", email="rahim@example.com")
    erasure = ask(site, gone)
    assert advance(site) > 0
    answer(site, erasure, [gone["id"]], ["payments"])
    assert certify(site) == 0, "radius-sync has not answered yet"
    answer(site, erasure, [gone["id"]], ["radius-sync"])
    assert certify(site) == 1

    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (found["state"], found["total"], found["done"]) == ("done", 1, 1)
    assert sorted(found["receipts"]) == ["customers", "payments", "radius-sync"]
    assert found["receipts"]["customers"]["rows"]["customer"] == 1
    assert found["leftovers"]["hits"] == []
    for place in ("customers", "deleted-customers"):
        assert site.admin.get(f"/v1/{place}/{gone['id']}").status_code == 410
    kinds = [event.type for event in site.events(gone["id"])]
    assert kinds == ["customer.erasing", "erasure.receipt", "customer.erased"]


def test_number_and_login_are_free_after_erasure_d6(site: Site) -> None:
    gone = site.deleted("rahim", email="rahim@example.com")
    number = gone["customer_number"]
    taken = site.admin.post(
        "/v1/customers", {"name": "New", "username": "new", "customer_number": number}
    )
    assert taken.status_code == 409
    erase(site, gone)
    again = site.customer("rahim", email="rahim@example.com", customer_number=number)
    assert again["customer_number"] == number and again["id"] != gone["id"]
