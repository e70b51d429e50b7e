"""Cleanup: many erased at once, by a selection, a filter or all (D8 to D13)."""

from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, certify


def test_cleanup_takes_a_selection_a_filter_or_all_d8_d13(site: Site) -> None:
    gone = [site.deleted(f"old{n}", "test_account") for n in range(3)]
    kept = site.deleted("dear", "closed_account")
    place = "/v1/deleted-customers/erase"
    wrong = site.admin.bulk(place, {"all": True, "confirm": "yes", "legal_basis": "clean"})
    assert wrong.status_code == 422 and "ERASE 4 CUSTOMERS" in wrong.text

    chosen = {"filter": {"reason": "test_account"}, "confirm": "ERASE 3 CUSTOMERS"}
    begun = site.admin.bulk(place, chosen | {"legal_basis": "clean"})
    assert begun.status_code == 202, begun.text
    erasure = begun.get_json()["id"]
    assert begun.headers["Location"] == f"/v1/erasures/{erasure}"
    advance(site)
    answer(site, erasure, [one["id"] for one in gone])
    certify(site)
    listed = site.admin.get("/v1/deleted-customers").get_json()["items"]
    assert [row["id"] for row in listed] == [kept["id"]]
    done = site.admin.get(f"/v1/erasures/{erasure}/subjects?state=done&limit=2").get_json()
    assert len(done["items"]) == 2 and done["next_cursor"]


def test_ids_of_another_branch_are_not_counted_and_not_erased(site: Site) -> None:
    north, south = site.operator("north", "manager"), site.operator("south", "manager")
    mine = site.customer("mine", north)
    theirs = site.customer("theirs", south)
    for one in (mine, theirs):
        site.admin.post(f"/v1/customers/{one['id']}/delete", {"reason": "closed_account"})
    body = {"ids": [mine["id"], theirs["id"]], "confirm": "ERASE 1 CUSTOMERS", "legal_basis": "x"}
    begun = north.bulk("/v1/deleted-customers/erase", body)
    assert begun.status_code == 202, begun.text
    advance(site)
    assert site.one("SELECT state FROM customer WHERE id = :id", id=theirs["id"]).state == "deleted"
    foreign = f"/v1/erasures/{begun.get_json()['id']}"
    for place in (foreign, f"{foreign}/certificate", f"{foreign}/subjects"):
        assert south.get(place).status_code == 404
    assert south.post(f"{foreign}/cancel").status_code == 404
    alone = {"confirm": theirs["customer_number"], "legal_basis": "x"}
    assert north.bulk(f"/v1/deleted-customers/{theirs['id']}/erase", alone).status_code == 404


def test_the_same_key_asks_once(site: Site) -> None:
    gone = site.deleted("rahim")
    body = {"confirm": gone["customer_number"], "legal_basis": "wish"}
    place = f"/v1/deleted-customers/{gone['id']}/erase"
    assert site.admin.post(place, body).status_code == 400
    first = site.admin.post(place, body, Idempotency_Key="erase-rahim")
    advance(site)
    again = site.admin.post(place, body, Idempotency_Key="erase-rahim")
    assert again.status_code == 202 and again.get_json() == first.get_json()
    assert len(site.rows("SELECT * FROM erasure")) == 1
