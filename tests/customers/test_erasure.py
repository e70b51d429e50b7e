"""Erasure from asking to proof: A32 to A38, D6 to D14, B13, F35, F44."""

from typing import Any

import pytest
from sqlalchemy import event

from customers.erasing_subscriptions import SUBSCRIPTIONS
from shared import operations
from shared.inbox import take
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, erase, receipt


def state(site: Site, erasure: str) -> str:
    return str(site.admin.get(f"/v1/erasures/{erasure}").get_json()["state"])


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
    body = {"name": "New", "username": "new", "customer_number": number}
    assert site.admin.post("/v1/customers", body).status_code == 409
    erase(site, gone)
    again = site.customer("rahim", email="rahim@example.com", customer_number=number)
    assert again["customer_number"] == number and again["id"] != gone["id"]


@pytest.mark.parametrize("verb", ["restore", "erase", "delete"])
def test_nothing_can_be_done_with_the_erased_d10_b13(site: Site, verb: str) -> None:
    gone = site.deleted("rahim")
    erase(site, gone)
    place = "customers" if verb == "delete" else "deleted-customers"
    body = {
        "restore": {},
        "erase": {"confirm": gone["customer_number"], "legal_basis": "again"},
        "delete": {"reason": "closed_account"},
    }[verb]
    refused = site.admin.bulk(f"/v1/{place}/{gone['id']}/{verb}", body)
    assert refused.status_code == 410, refused.text
    assert refused.get_json()["type"].endswith("/erased")


def test_an_erased_customer_never_comes_back_by_late_events(site: Site, account: Any) -> None:
    gone = site.deleted("rahim")
    erase(site, gone)
    site.hear(account(gone["id"], 999_999, outstanding="75", overdue=True))
    row = site.one("SELECT * FROM customer WHERE id = :id", id=gone["id"])
    assert (row.state, row.name, row.balance, row.overdue) == ("erasing", "", 0, False)
    assert site.events(gone["id"])[-1].type == "customer.erased"


def test_the_confirmation_is_the_customer_number_a34(site: Site) -> None:
    gone = site.deleted("rahim")
    body = {"confirm": "rahim", "legal_basis": "wish"}
    refused = site.admin.bulk(f"/v1/deleted-customers/{gone['id']}/erase", body)
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["pointer"] == "/confirm"
    assert site.rows("SELECT * FROM erasure") == []


def test_a_living_customer_is_not_erased_b13(site: Site) -> None:
    alive = site.customer("rahim")
    body = {"confirm": alive["customer_number"], "legal_basis": "wish"}
    refused = site.admin.bulk(f"/v1/deleted-customers/{alive['id']}/erase", body)
    assert refused.status_code == 409
    assert refused.get_json()["errors"][0]["code"] == "not_deleted"


def test_everything_waits_for_the_retention_period(site: Site) -> None:
    """Decision 1: the ledger may go only when no period stands, and with a permission of its own."""
    gone = site.deleted("rahim")
    body = {
        "confirm": gone["customer_number"],
        "legal_basis": "wish",
        "mode": "everything",
    }
    place = f"/v1/deleted-customers/{gone['id']}/erase"
    refused = site.admin.bulk(place, body)
    assert refused.status_code == 409
    assert refused.get_json()["errors"][0]["code"] == "retention"
    manager = site.operator("boss", "manager")
    assert manager.bulk(place, body).status_code == 403

    site.change("UPDATE customer SET erase_after = now() - interval '1 day'")
    erasure = erase(site, gone, mode="everything")
    row = site.one("SELECT * FROM customer WHERE id = :id", id=gone["id"])
    assert (row.deletion_reason, row.package_id, row.deleted_by) == (None, None, None)
    assert site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]["mode"] == (
        "everything"
    )


def test_cooling_delays_and_can_be_taken_back(site: Site) -> None:
    site.admin.patch("/v1/settings", {"cooling_hours": 24})
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    assert advance(site) == 0 and state(site, erasure) == "cooling"
    assert site.admin.post(f"/v1/erasures/{erasure}/cancel").status_code == 200
    site.change("UPDATE erasure SET runs_at = now() - interval '1 hour'")
    assert advance(site) == 0 and state(site, erasure) == "cancelled"
    assert site.admin.post(f"/v1/erasures/{erasure}/cancel").get_json()["state"] == "cancelled"
    assert site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore").status_code == 200


def test_cooling_ends_by_itself(site: Site) -> None:
    site.admin.patch("/v1/settings", {"cooling_hours": 24})
    erasure = ask(site, site.deleted("rahim"))
    site.change("UPDATE erasure SET runs_at = now()")
    assert advance(site) == 2 and state(site, erasure) == "running"
    late = site.admin.post(f"/v1/erasures/{erasure}/cancel")
    assert late.status_code == 409 and late.get_json()["errors"][0]["code"] == "erasure_state"


def test_a_second_person_approves(site: Site) -> None:
    site.admin.patch("/v1/settings", {"erasure_approval": True})
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    assert advance(site) == 0 and state(site, erasure) == "awaiting_approval"
    assert site.admin.post(f"/v1/erasures/{erasure}/approve").status_code == 403
    other = site.operator("auditor", "admin")
    root = site.caller(other.id, "1/", "admin", "auditor")
    approved = root.post(f"/v1/erasures/{erasure}/approve")
    assert approved.status_code == 200 and approved.get_json()["approved_by"] == "auditor"
    assert advance(site) == 2
    answer(site, erasure, [gone["id"]])
    assert certify(site) == 1
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    assert (document["requested_by"], document["approved_by"]) == ("admin", "auditor")


def test_a_legal_hold_set_while_an_erasure_is_queued_wins_f44(site: Site) -> None:
    site.admin.patch("/v1/settings", {"cooling_hours": 1})
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    site.change('UPDATE customer SET legal_hold = \'{"case": "7/26"}\'')
    site.change("UPDATE erasure SET runs_at = now()")
    assert advance(site) == 1
    assert certify(site) == 1 and state(site, erasure) == "refused"
    (subject,) = site.admin.get(f"/v1/erasures/{erasure}/subjects").get_json()["items"]
    assert (subject["state"], subject["detail"]) == ("refused", "a legal hold stands")
    kept = site.admin.get(f"/v1/deleted-customers/{gone['id']}")
    assert kept.status_code == 200 and kept.get_json()["name"] == "Rahim"
    assert site.rows("SELECT * FROM erasure_needle") == []


def test_the_loser_of_two_erasures_is_refused(site: Site) -> None:
    gone = site.deleted("rahim")
    first, second = ask(site, gone), ask(site, gone)
    advance(site)
    answer(site, first, [gone["id"]])
    assert certify(site) == 2
    assert (state(site, first), state(site, second)) == ("done", "refused")


def test_receipts_may_come_twice_and_early_and_for_nobody(site: Site) -> None:
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    # Before the claim no receipt can be true.
    answer(site, erasure, [gone["id"]])
    assert site.rows("SELECT * FROM erasure_receipt") == []
    advance(site)
    for _ in range(3):
        answer(site, erasure, [gone["id"]])
    foreign = receipt("019ab000-0000-7000-8000-000000000001", gone["id"], "payments")
    nobody = receipt(erasure, "019ab000-0000-7000-8000-000000000002", "payments")
    take(site.database, SUBSCRIPTIONS, "payments", [foreign, nobody])
    assert certify(site) == 1 and certify(site) == 0
    answer(site, erasure, [gone["id"]])
    assert len(site.rows("SELECT * FROM erasure_receipt")) == 3
    assert site.one("SELECT done FROM erasure").done == 1
    erased = [event for event in site.events(gone["id"]) if event.type == "customer.erased"]
    assert len(erased) == 1


def test_a_crash_before_any_commit_changes_nothing_and_the_next_call_goes_on_f35(
    site: Site,
) -> None:
    """The n-th commit fails, for every n until none is left to fail."""
    for number in range(1, 50):
        gone = site.deleted(f"rahim{number}", phone=f"0171112{number:04d}")
        erasure = ask(site, gone)
        if not _crashes(site, erasure, gone["id"], number):
            break
        advance(site)
        answer(site, erasure, [gone["id"]])
        certify(site)
        assert state(site, erasure) == "done", f"after a crash at commit {number}"
        assert len(site.rows("SELECT * FROM certificate WHERE erasure_id = :e", e=erasure)) == 1
        assert len(site.events(gone["id"])) == 3
    assert number > 8, "the saga has at least so many commits"
    assert site.admin.get("/v1/operations/verify").get_json()["intact"]


class Killed(BaseException):
    """Nothing in the code catches it, as nothing catches `kill -9`."""


def _crashes(site: Site, erasure: str, customer: str, at: int) -> bool:
    left = at

    def crash(_connection: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    event.listen(site.database.engine, "commit", crash)
    try:
        advance(site)
        answer(site, erasure, [customer])
        certify(site)
    except Killed:
        return True
    finally:
        event.remove(site.database.engine, "commit", crash)
    return False


def test_the_chain_of_operations_stands_after_erasure_a39(site: Site) -> None:
    gone = site.deleted("rahim")
    erase(site, gone)
    with site.database.transaction() as session:
        operations.seal(session)
        assert operations.verify(session).intact
    log = site.admin.get(f"/v1/operations?subject={gone['id']}").get_json()["items"]
    assert {"customer.created", "customer.deleted", "customer.erasing"} <= {
        o["action"] for o in log
    }
    assert all(o["before"] is None and o["after"] is None for o in log)
