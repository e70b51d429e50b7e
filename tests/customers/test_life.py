"""The whole life over HTTP: created, activated, deleted, listed, restored, activated again."""

from tests.customers.conftest import Site


def test_a_customer_lives_is_deleted_restored_and_activated_again(site: Site) -> None:
    north = site.operator("north")
    package = site.package()
    made = site.customer("rahim", north, phone="01711-123456", package_id=package)
    place = f"/v1/customers/{made['id']}"
    assert made["status"] == "inactive" and made["phone"] == "+8801711123456"

    active = north.post(f"{place}/activate")
    assert active.status_code == 200, active.text
    assert active.get_json()["status"] == "active"

    gone = north.post(f"{place}/delete", {"reason": "closed_account", "note": "moved"})
    assert gone.status_code == 200, gone.text
    missing = north.get(place).get_json()
    assert missing["type"].endswith("/deleted")
    listed = north.get("/v1/deleted-customers?q=01711 123456").get_json()["items"]
    assert [row["package_name"] for row in listed] == ["Home 10"]

    back = north.post(f"/v1/deleted-customers/{made['id']}/restore").get_json()
    assert back["status"] == "inactive" and back["integrity"]["intact"]
    again = north.post(f"{place}/activate", {"package_id": package}).get_json()
    assert again["status"] == "active"

    kinds = [(event.type, event.sequence) for event in site.events(made["id"])]
    assert kinds == [
        ("customer.created", 1), ("customer.activated", 2), ("customer.deleted", 3),
        ("customer.restored", 4), ("customer.activated", 5),
    ]  # fmt: skip
