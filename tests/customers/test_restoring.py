"""Restore: clashes with what is free, nothing live, everything else as before, checked by machine."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from customers import integrity
from shared.database import uuid7
from shared.events import Wire
from tests.customers.conftest import Site


def test_what_is_in_use_by_now_is_named_with_what_is_free(site: Site) -> None:
    """B13-B15, B14 of the attacks: against customers and leads, without their data."""
    gone = site.deleted("rahim", email="r@example.org", phone="01711123456")
    site.customer("rahim", kind="lead", email="r@example.org", phone="01711123456")
    place = f"/v1/deleted-customers/{gone['id']}/restore"
    refused: Any = site.admin.post(place)
    assert refused.status_code == 409
    errors = {error["pointer"]: error for error in refused.get_json()["errors"]}
    assert set(errors) == {"/username", "/email", "/phone"}
    assert {error["code"] for error in errors.values()} == {"taken"}
    assert "portal" in errors["/username"]["detail"]

    plan: Any = site.admin.post(place, {"dry_run": True}).get_json()
    assert plan["possible"] is False and len(plan["errors"]) == 3
    assert any("RADIUS" in note for note in plan["notes"])
    resolved = {
        "username": errors["/username"]["suggestions"][0],
        "email": errors["/email"]["suggestions"][0],
        "phone": "01711 123456",
    }
    plan = site.admin.post(place, resolved | {"dry_run": True}).get_json()
    assert plan["possible"] is True
    back: Any = site.admin.post(place, resolved)
    assert back.status_code == 200, back.text
    assert back.get_json()["username"] == "rahim2"


def test_an_address_that_somebody_got_meanwhile_is_a_clash_with_what_is_free(site: Site) -> None:
    """B13-B16, D18: one by one and many at once; resolved by another address, or by none."""
    gone = [site.deleted(name, static_address=f"10.0.0.{n}") for n, name in enumerate("abc", 7)]
    for n in (7, 8):
        site.customer(f"now{n}", static_address=f"10.0.0.{n}")
    place = f"/v1/deleted-customers/{gone[0]['id']}/restore"
    refused: Any = site.admin.post(place)
    (error,) = refused.get_json()["errors"]
    assert (refused.status_code, error["pointer"]) == (409, "/static_address")
    assert error["suggestions"][0] == "10.0.0.9"
    back: Any = site.admin.post(place, {"static_address": error["suggestions"][0]})
    assert (back.status_code, back.get_json()["static_address"]) == (200, "10.0.0.9")

    body: dict[str, Any] = {"ids": [gone[1]["id"], gone[2]["id"]]}
    for wish, states in (
        (body, {"failed"}),
        (body | {"resolutions": {gone[1]["id"]: {"static_address": None}}}, {"done", "failed"}),
    ):
        job = site.admin.bulk("/v1/deleted-customers/restore", wish)
        site.run_jobs()
        rows: Any = site.admin.get(f"{job.headers['Location']}/rows").get_json()
        assert {row["state"] for row in rows["items"]} == states
    back = site.admin.get(f"/v1/customers/{gone[1]['id']}").get_json()
    assert back["static_address"] is None and back["status"] == "inactive"
    facts = site.events(gone[1]["id"])[-1]
    assert facts.data["customer"]["static_address"] is None


def test_the_portal_field_decides_which_clash_is_the_portals(site: Site) -> None:
    """B15, B16, 5.7.3."""
    site.admin.patch("/v1/settings", {"portal_authentication_field": "email"})
    gone = site.deleted("rahim", email="r@example.org")
    site.customer("other", email="R@example.org")
    refused: Any = site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore").get_json()
    (error,) = refused["errors"]
    assert error["pointer"] == "/email" and "portal" in error["detail"]


def test_restored_is_inactive_with_the_profile_intact_and_services_stopped(site: Site) -> None:
    """A27-A31, B10-B12, decisions 1.6.4 and 1.6.5."""
    package = site.package()
    made = site.customer("rahim", package_id=package, custom_fields={"zone": "7"})
    place = f"/v1/customers/{made['id']}"
    site.admin.post(f"{place}/activate")
    site.admin.post(f"{place}/accounts", {"name": "office"})
    site.admin.post(f"{place}/holds", {"kind": "vacation"})
    before: Any = site.admin.get(place).get_json()
    site.admin.post(f"{place}/delete", {"reason": "operator_error", "cascade": True})
    back: Any = site.admin.post(f"/v1/deleted-customers/{made['id']}/restore").get_json()
    changed = {name for name in before if before[name] != back[name]}
    assert changed == {"status", "status_reason", "status_since", "updated_at", "version"}
    assert back["status"] == "inactive" and [hold["kind"] for hold in back["holds"]] == ["vacation"]
    (line,) = site.admin.get(f"{place}/accounts").get_json()["items"]
    assert line["state"] == "stopped"
    facts = site.events(made["id"])[-1]
    assert facts.type == "customer.restored" and facts.data["customer"]["activated"] is False
    assert facts.data["customer"]["standing"] == "customer"
    report = back["integrity"]
    assert report["intact"] and all(report["checks"].values()) and report["snapshot_matches"]
    assert report["accounts"] == {"at_deletion": 1, "before": 1, "after": 1}
    logged: Any = site.admin.get("/v1/operations?action=customer.restored").get_json()
    assert logged["items"][0]["subject"] == made["id"]


def test_the_report_finds_services_that_overlap_and_keeps_activation_back(site: Site) -> None:
    """B11, B17-B20: no two lines alike; what made them so is put right, and the next report is green."""
    package = site.package()
    made = site.customer("rahim", package_id=package)
    place = f"/v1/customers/{made['id']}"
    line = {"name": "office", "service_type": "pppoe"}
    first: Any = site.admin.post(f"{place}/accounts", line).get_json()
    twice: Any = site.admin.post(f"{place}/accounts", line)
    assert (twice.status_code, twice.get_json()["errors"][0]["pointer"]) == (409, "/name")
    assert site.admin.post(f"{place}/accounts", line | {"service_type": "other"}).status_code == 201
    # What no route does any more, but older books may hold.
    site.change(
        "INSERT INTO account (id, customer_id, name, service_type) SELECT gen_random_uuid(),"
        " customer_id, name, service_type FROM account WHERE id = :id",
        id=first["id"],
    )

    def restored() -> Any:
        site.admin.post(f"{place}/delete", {"reason": "operator_error", "cascade": True})
        return site.admin.post(f"/v1/deleted-customers/{made['id']}/restore").get_json()[
            "integrity"
        ]

    report = restored()
    assert {name for name, fits in report["checks"].items() if not fits} == {"services_apart"}
    refused: Any = site.admin.post(f"{place}/activate")
    assert refused.status_code == 409 and "services_apart" in refused.get_json()["detail"]
    assert site.admin.delete(f"{place}/accounts/{first['id']}").status_code < 300
    assert restored()["intact"] is True
    assert site.admin.post(f"{place}/activate").status_code == 200


def test_who_comes_back_beside_one_with_the_login_or_address_is_not_alone(site: Site) -> None:
    """B11, B19: told by the report, should a fault let it through."""
    gone = [
        UUID(site.deleted(name, static_address=f"10.0.0.{n}")["id"]) for n, name in enumerate("abc")
    ]
    site.customer("a")
    site.customer("other", static_address="10.0.0.1")
    wished = [
        (one, name, f"10.0.0.{n}") for n, (one, name) in enumerate(zip(gone, "abc", strict=True))
    ]
    with site.database.transaction() as session:
        assert integrity.crowded(session, wished) == {gone[0], gone[1]}
        assert integrity.crowded(session, []) == set()


def test_restoring_twice_is_one_restore_and_what_never_was_deleted_is_a_conflict(
    site: Site,
) -> None:
    """B13."""
    gone = site.deleted("rahim")
    place = f"/v1/deleted-customers/{gone['id']}/restore"
    first, again = site.admin.post(place), site.admin.post(place)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.get_json() == again.get_json()
    assert [e.type for e in site.events(gone["id"])].count("customer.restored") == 1
    alive = site.customer("karim")
    refused = site.admin.post(f"/v1/deleted-customers/{alive['id']}/restore")
    assert refused.status_code == 409


def test_a_customer_being_erased_is_gone(site: Site) -> None:
    """B13, D10: 410."""
    gone = site.deleted("rahim")
    site.change("UPDATE customer SET state = 'erasing'")
    place = f"/v1/deleted-customers/{gone['id']}"
    assert site.admin.post(f"{place}/restore").status_code == 410
    assert site.admin.get(place).status_code == 410
    assert site.admin.get(f"/v1/customers/{gone['id']}").status_code == 410
    assert site.admin.patch(place, {"name": "X"}).status_code == 410


def test_a_disabled_operator_is_replaced_by_the_nearest_active_one_above(site: Site) -> None:
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    made = site.customer("rahim", below)
    site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "operator_error"})
    site.admin.patch(f"/v1/operators/{below.id}", {"status": "disabled"})
    place = f"/v1/deleted-customers/{made['id']}/restore"
    plan: Any = site.admin.post(place, {"dry_run": True}).get_json()
    assert plan["changes"]["operator_id"] == str(boss.id)
    back: Any = site.admin.post(place).get_json()
    assert back["operator_name"] == "Boss"
    assert site.events(made["id"])[-1].operator_path == boss.path


def test_a_retired_package_stays_in_the_profile_and_cannot_be_activated(site: Site) -> None:
    old, new = site.package("Old"), site.package("New")
    gone = site.deleted("rahim", package_id=old)
    site.admin.patch(f"/v1/packages/{old}", {"retired": True})
    place = f"/v1/deleted-customers/{gone['id']}/restore"
    plan: Any = site.admin.post(place, {"dry_run": True}).get_json()
    assert any("retired" in note for note in plan["notes"])
    assert site.admin.post(place, {"activate": True}).status_code == 422
    back: Any = site.admin.post(place, {"activate": True, "package_id": new})
    assert back.status_code == 200, back.text
    assert (back.get_json()["package_name"], back.get_json()["status"]) == ("New", "active")
    kinds = [event.type for event in site.events(gone["id"])]
    assert kinds[-2:] == ["customer.restored", "customer.activated"]


def test_money_that_moved_while_deleted_is_reported_and_its_holds_follow(
    site: Site, account: Callable[..., Wire]
) -> None:
    """B18: the restore itself changed nothing, and says what differs from the deletion."""
    gone = site.deleted("rahim")
    site.hear(account(gone["id"], 3, outstanding="75.00", overdue=True))
    assert [event.type for event in site.events(gone["id"])][-1] == "customer.deleted"
    back: Any = site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore").get_json()
    report = back["integrity"]
    assert report["intact"] and not report["snapshot_matches"]
    assert report["differs_from_deletion"]["balance"]["now"] == "75.000"
    assert [hold["kind"] for hold in back["holds"]] == ["overdue"]


def test_a_log_that_was_tampered_with_is_seen_by_the_report(site: Site) -> None:
    gone = site.deleted("rahim")
    site.change(
        "UPDATE operation_detail SET reason = 'other' WHERE subject = :id AND reason IS NOT NULL",
        id=gone["id"],
    )
    back: Any = site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore").get_json()
    assert back["integrity"]["checks"]["log_unbroken"] is False
    assert back["integrity"]["intact"] is False


def proof(subject: str, sequence: int, occasion: str, **more: Any) -> Wire:
    """An `account.proved` of payments on the wire."""
    checks = {"items_make_totals": True, "allocations_within_payments": True} | more.pop(
        "checks", {}
    )
    data = {
        "occasion": occasion, "account_version": 4, "currency": "BDT", "billed": "500",
        "paid": "500", "receivable": "0", "credit": "0", "checks": checks,
    }  # fmt: skip
    return {
        "id": str(uuid7()), "type": "account.proved", "subject": subject, "sequence": sequence,
        "operatorpath": "1/", "data": data | more,
    }  # fmt: skip


def _versions(site: Site, customer: str) -> tuple[int, int]:
    """Of the deletion and the restore, as their events told them."""
    told = {event.type: event.sequence for event in site.events(customer)}
    return told["customer.deleted"], told["customer.restored"]


@pytest.mark.parametrize("late", [False, True])
def test_the_report_holds_the_books_of_before_against_those_of_after(
    site: Site, late: bool
) -> None:
    """B17-B20: payments proves both; in whatever order its two proofs come."""
    gone = site.deleted("rahim")
    (deleted,) = [e.sequence for e in site.events(gone["id"]) if e.type == "customer.deleted"]
    if not late:
        site.hear(proof(gone["id"], deleted, "deleted"))
    back: Any = site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore").get_json()
    assert back["integrity"]["books"]["state"] == "pending"
    _, restored = _versions(site, gone["id"])
    site.hear(proof(gone["id"], restored, "restored"))
    if late:
        site.hear(proof(gone["id"], deleted, "deleted"))
    report: Any = site.admin.get(f"/v1/customers/{gone['id']}/integrity").get_json()
    assert report["intact"] and report["books"]["state"] == "proved"
    assert report["checks"]["books_items_make_totals"]
    assert report["checks"]["books_ledger_unchanged"]
    assert report["books"]["before"]["billed"] == report["books"]["after"]["billed"] == "500"


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ({"checks": {"allocations_within_payments": False}}, "books_allocations_within_payments"),
        ({"billed": "400"}, "books_ledger_unchanged"),
    ],
)
def test_books_that_do_not_add_up_keep_activation_back(
    site: Site, after: dict[str, Any], fault: str
) -> None:
    """B18: found by payments a moment after the restore; the log has it."""
    package, gone = site.package(), site.deleted("rahim")
    site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore")
    deleted, restored = _versions(site, gone["id"])
    site.hear(
        proof(gone["id"], deleted, "deleted"), proof(gone["id"], restored, "restored", **after)
    )
    report: Any = site.admin.get(f"/v1/customers/{gone['id']}/integrity").get_json()
    assert not report["intact"] and not report["checks"][fault]
    place = f"/v1/customers/{gone['id']}/activate"
    refused: Any = site.admin.post(place, {"package_id": package})
    assert refused.status_code == 409 and fault in refused.get_json()["detail"]
    logged: Any = site.admin.get("/v1/operations?action=customer.books_differ").get_json()["items"]
    assert [row["subject"] for row in logged] == [gone["id"]]
    # Put right and deleted and restored again: checked anew.
    site.admin.post(f"/v1/customers/{gone['id']}/delete", {"reason": "operator_error"})
    site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore")
    site.hear(proof(gone["id"], restored, "restored", **after))
    _, again = _versions(site, gone["id"])
    site.hear(proof(gone["id"], again, "restored"))
    assert site.admin.post(place, {"package_id": package}).status_code == 200


def test_money_that_moved_between_the_proofs_is_no_fault(site: Site) -> None:
    """A refund to who is deleted: payments counts its movements."""
    gone = site.deleted("rahim")
    site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore")
    deleted, restored = _versions(site, gone["id"])
    site.hear(
        proof(gone["id"], deleted, "deleted"),
        proof(gone["id"], restored, "restored", account_version=5, paid="300"),
    )
    report: Any = site.admin.get(f"/v1/customers/{gone['id']}/integrity").get_json()
    assert report["intact"] and report["books"]["after"]["paid"] == "300"


def test_who_was_never_restored_has_no_report(site: Site) -> None:
    made = site.customer("rahim")
    assert site.admin.get(f"/v1/customers/{made['id']}/integrity").status_code == 404


@pytest.mark.parametrize("seed", range(3))
def test_many_that_restore_at_once_restore_once(site: Site, seed: int) -> None:
    """And of two deleted with one login, one alone gets it: the other is told that it is taken."""
    gone, twin = site.deleted("rahim"), site.deleted("rahim")
    answers: list[tuple[str, int]] = []

    def run(one: dict[str, Any]) -> None:
        caller = site.caller(site.admin.id, "1/", "admin", "admin")
        answer = caller.post(f"/v1/deleted-customers/{one['id']}/restore")
        answers.append((one["id"], answer.status_code))

    threads = [threading.Thread(target=run, args=[one]) for one in [gone, twin] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {one["id"]: {code for who, code in answers if who == one["id"]} for one in (gone, twin)}
    assert sorted(codes.values(), key=str) == [{200}, {409}]
    restored = site.one("SELECT count(*) AS n FROM outbox WHERE type = 'customer.restored'")
    assert restored.n == 1
