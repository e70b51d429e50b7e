"""Behaviours of the seed documents that no other test shows by itself, one test each, at the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from customers import lapsing
from customers.domain import now
from shared.events import Wire
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, certify

Account = Callable[..., Wire]


def _names(site: Site, place: str) -> list[str]:
    found: Any = site.admin.get(place).get_json()
    return sorted(row["username"] for row in found["items"])


def _active(site: Site, username: str, **more: Any) -> dict[str, Any]:
    made = site.customer(username, package_id=site.package(f"for {username}"), **more)
    return dict(site.admin.post(f"/v1/customers/{made['id']}/activate").get_json())


def _place(made: dict[str, Any], deleted: bool = False) -> str:
    return f"/v1/{'deleted-' if deleted else ''}customers/{made['id']}"


def _seen(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    return dict(site.admin.get(_place(made)).get_json())


# ---------------------------------------------------------------- seed A
def test_all_deleted_customers_are_listed_and_nobody_else_a1(site: Site) -> None:
    site.customer("alive")
    for reason in ("closed_account", "migrated_away", "wrong_entry", "test_account"):
        site.deleted(reason.replace("_", "-"), reason)
    listed = _names(site, "/v1/deleted-customers")
    assert listed == ["closed-account", "migrated-away", "test-account", "wrong-entry"]


def test_a_deletion_is_soft_and_the_row_stays_whole_a2(site: Site) -> None:
    made = site.customer("rahim", email="r@example.org", phone="+8801711123456")
    before = site.one("SELECT to_jsonb(c) AS row FROM customer c").row
    site.admin.post(f"{_place(made)}/delete", {"reason": "closed_account"})
    after = site.one("SELECT to_jsonb(c) AS row FROM customer c").row
    changed = {name for name in before if before[name] != after[name]}
    marks = {name for name in changed if name.startswith(("deleted_", "deletion_"))}
    assert changed - marks == {"state", "erase_after", "version", "updated_at"}


def test_a_deletion_marks_who_and_when_on_the_record_itself_a3(site: Site) -> None:
    made = site.deleted("rahim")
    row = site.one("SELECT state, deleted_at, deleted_by FROM customer")
    assert (row.state, row.deleted_by) == ("deleted", "admin") and row.deleted_at is not None
    shown = site.admin.get(_place(made, deleted=True)).get_json()
    assert shown["deleted_by"] == "admin" and shown["deleted_at"]


def test_the_audit_trail_of_before_survives_the_deletion_a5(site: Site) -> None:
    made = site.customer("rahim")
    site.admin.patch(_place(made), {"name": "Rahim Uddin"})
    site.admin.post(f"{_place(made)}/delete", {"reason": "closed_account"})
    logged: Any = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()
    actions = [one["action"] for one in logged["items"]]
    assert actions == ["customer.deleted", "customer.edited", "customer.created"]
    assert logged["items"][1]["before"] == {"name": "Rahim"}
    history: Any = site.admin.get("/v1/operations/verify").get_json()
    assert history["intact"]


def test_who_was_deleted_by_mistake_is_back_as_before_a22(site: Site) -> None:
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error"})
    back = site.admin.post(f"{_place(made, deleted=True)}/restore", {"activate": True})
    assert back.status_code == 200, back.text
    assert (back.get_json()["status"], back.get_json()["customer_number"]) == (
        "active", made["customer_number"],
    )  # fmt: skip


def test_who_returns_years_later_gets_the_old_number_and_another_package_a23(site: Site) -> None:
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/delete", {"reason": "migrated_away"})
    site.change("UPDATE customer SET deleted_at = deleted_at - interval '3 years'")
    wish = {"package_id": site.package("New"), "activate": True}
    back = site.admin.post(f"{_place(made, deleted=True)}/restore", wish).get_json()
    assert (back["customer_number"], back["package_name"]) == (made["customer_number"], "New")
    assert back["status"] == "active"


def test_an_accidental_deletion_is_undone_at_once_by_the_same_person_a42(site: Site) -> None:
    north = site.operator("north")
    made = site.customer("rahim", north)
    gone = north.post(f"{_place(made)}/delete", {"reason": "operator_error"})
    assert gone.status_code == 200 and north.get(_place(made)).status_code == 404
    back = north.post(f"{_place(made, deleted=True)}/restore")
    assert back.status_code == 200 and north.get(_place(made)).status_code == 200
    assert _names(site, "/v1/deleted-customers") == []


# ---------------------------------------------------------------- seed B
def test_a_restore_brings_all_related_data_back(site: Site) -> None:
    """Seed B1."""
    made = _active(site, "rahim", custom_fields={"zone": "7"}, email="r@example.org")
    site.admin.post(f"{_place(made)}/accounts", {"name": "office"})
    site.admin.post(f"{_place(made)}/holds", {"kind": "vacation", "reason": "travels"})
    history = site.admin.get(f"{_place(made)}/status-history").get_json()["items"]
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error", "cascade": True})
    site.admin.post(f"{_place(made, deleted=True)}/restore")
    back = _seen(site, made)
    assert back["custom_fields"] == {"zone": "7"} and back["email"] == "r@example.org"
    assert [hold["reason"] for hold in back["holds"]] == ["travels"]
    lines = site.admin.get(f"{_place(made)}/accounts").get_json()["items"]
    assert [line["name"] for line in lines] == ["office"]
    later = site.admin.get(f"{_place(made)}/status-history").get_json()["items"]
    assert later[-len(history) :] == history


@pytest.mark.parametrize("field", ["id", "username", "name", "phone", "customer_number"])
def test_the_deleted_are_searched_by(site: Site, field: str) -> None:
    """Seeds B2, B3, B4, B5: by id, login, full name, phone."""
    made = site.deleted("rahim", name="Rahim Uddin", phone="+8801711123456")
    site.deleted("karim", name="Karim Ahmed", phone="+8801811999999")
    q = made[field].replace("+", "%2B")
    assert _names(site, f"/v1/deleted-customers?q={q}") == ["rahim"]


def test_leads_can_be_deleted_and_restored_too(site: Site) -> None:
    """Seed B6, which does not support it."""
    made = site.deleted("prospect", kind="lead")
    back = site.admin.post(f"{_place(made, deleted=True)}/restore").get_json()
    assert (back["kind"], back["status"]) == ("lead", "lead")


def test_what_is_owed_comes_back_with_the_customer(site: Site, account: Account) -> None:
    """Seeds B10, B17: the books are the same after the restore, and a machine has checked it."""
    made = _active(site, "rahim")
    site.hear(account(made["id"], 1, outstanding="75.50"))
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error"})
    back = site.admin.post(f"{_place(made, deleted=True)}/restore").get_json()
    assert back["balance"] == {"amount": "75.50", "currency": "BDT"}
    assert back["integrity"]["intact"] and all(back["integrity"]["checks"].values())


def test_the_services_come_back_and_the_status_is_inactive(site: Site) -> None:
    """Seeds B11, B12: stopped, until a package is renewed."""
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/accounts", {"name": "office"})
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error", "cascade": True})
    back = site.admin.post(f"{_place(made, deleted=True)}/restore").get_json()
    (line,) = site.admin.get(f"{_place(made)}/accounts").get_json()["items"]
    assert (back["status"], line["state"]) == ("inactive", "stopped")


@pytest.mark.parametrize("kind", ["customer", "lead"])
def test_a_login_or_e_mail_in_use_by_a_customer_or_lead_is_asked_to_change(
    site: Site, kind: str
) -> None:
    """Seeds B13, B14."""
    gone = site.deleted("rahim", email="r@example.org")
    site.customer("rahim", kind=kind, email="r@example.org")
    place = f"{_place(gone, deleted=True)}/restore"
    refused: Any = site.admin.post(place).get_json()
    assert {error["pointer"] for error in refused["errors"]} == {"/username", "/email"}
    changed = {"username": "rahim-2", "email": "r2@example.org"}
    assert site.admin.post(place, changed).status_code == 200


@pytest.mark.parametrize(("field", "pointer"), [("login", "/username"), ("email", "/email")])
def test_the_clash_that_counts_is_that_of_the_portals_field(
    site: Site, field: str, pointer: str
) -> None:
    """Seeds B15, B16: a setting of the site."""
    site.admin.patch("/v1/settings", {"portal_authentication_field": field})
    gone = site.deleted("rahim", email="r@example.org")
    site.customer("rahim", email="r@example.org")
    refused: Any = site.admin.post(f"{_place(gone, deleted=True)}/restore").get_json()
    portal = [error["pointer"] for error in refused["errors"] if "portal" in error["detail"]]
    assert portal == [pointer]


def test_services_and_log_are_checked_by_machine_after_a_restore(site: Site) -> None:
    """Seeds B19, B20: the services of before are those of after, and the log is unbroken."""
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/accounts", {"name": "office"})
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error", "cascade": True})
    report = site.admin.post(f"{_place(made, deleted=True)}/restore").get_json()["integrity"]
    assert report["accounts"] == {"at_deletion": 1, "before": 1, "after": 1} and report["intact"]

    other = _active(site, "karim")
    site.admin.post(f"{_place(other)}/accounts", {"name": "shop"})
    site.admin.post(f"{_place(other)}/delete", {"reason": "operator_error", "cascade": True})
    site.change("DELETE FROM account WHERE customer_id = :id", id=other["id"])
    report = site.admin.post(f"{_place(other, deleted=True)}/restore").get_json()["integrity"]
    assert report["accounts"] == {"at_deletion": 1, "before": 0, "after": 0}
    assert not report["intact"] and not report["checks"]["accounts_kept"]
    refused = site.admin.post(f"{_place(other)}/activate")
    assert refused.status_code == 409 and refused.get_json()["type"].endswith("/integrity")
    site.admin.post(f"{_place(other)}/delete", {"reason": "operator_error"})
    site.admin.post(f"{_place(other, deleted=True)}/restore")
    assert site.admin.post(f"{_place(other)}/activate").status_code == 200


def test_money_that_does_not_match_the_books_of_before_is_reported(
    site: Site, account: Account
) -> None:
    """Seed B18: payments that came while the customer lay deleted are told of."""
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error"})
    site.hear(account(made["id"], 1, outstanding="20.00"))
    report = site.admin.post(f"{_place(made, deleted=True)}/restore").get_json()["integrity"]
    assert report["snapshot_matches"] is False


def test_the_restore_stands_in_the_operations_log(site: Site) -> None:
    """Seed B21."""
    gone = site.deleted("rahim")
    site.admin.post(f"{_place(gone, deleted=True)}/restore")
    logged: Any = site.admin.get("/v1/operations?action=customer.restored").get_json()["items"]
    assert [(one["actor"], one["subject"]) for one in logged] == [("admin", gone["id"])]


def test_several_found_by_what_they_share_are_restored_one_by_one_and_at_once(site: Site) -> None:
    """Seed B22."""
    gone = [site.deleted(f"road-{n}", phone=f"+88017111234{n:02d}") for n in range(3)]
    other = site.deleted("other")
    site.admin.post(f"{_place(gone[0], deleted=True)}/restore")
    site.admin.bulk("/v1/deleted-customers/restore", {"filter": {"q": "road-"}})
    site.run_jobs()
    assert _names(site, "/v1/deleted-customers") == [other["username"]]
    assert _names(site, "/v1/customers") == ["road-0", "road-1", "road-2"]


# ---------------------------------------------------------------- seed C
def test_a_closed_customer_is_kept_for_information_c3(site: Site) -> None:
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/close", {"reason": "moved abroad"})
    seen = _seen(site, made)
    assert (seen["status"], seen["username"], seen["phone"]) == ("closed", "rahim", None)
    assert _names(site, "/v1/customers?status=closed") == ["rahim"]


def test_a_portal_sees_that_a_customer_is_blocked_c6(site: Site) -> None:
    """What signs customers in to self-care reads the status, or hears it in the event."""
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/holds", {"kind": "admin", "reason": "abuse"})
    assert _seen(site, made)["status"] == "blocked"
    assert site.events(made["id"])[-1].data["customer"]["holds"] == ["admin"]


@pytest.mark.parametrize(("kind", "renewals"), [("fraud", 1), ("admin", 1), ("vacation", 0)])
def test_a_block_stops_the_use_and_leaves_the_subscription_running_c7_c8(
    site: Site, kind: str, renewals: int
) -> None:
    """C7: the network hears of the hold; C8: the next period follows, which payments bills, where a
    customer's own pause charges nothing."""
    made = _active(site, "rahim", balance_control="postpaid")
    site.admin.post(f"{_place(made)}/holds", {"kind": kind})
    site.change("UPDATE customer SET expires_at = now() + interval '50 minutes'")
    assert lapsing.sweep(site.database)["renewals"] == renewals
    told = site.events(made["id"])[-1]
    assert (told.type == "customer.activated") is bool(renewals), "what payments bills"
    facts = told.data["customer"]
    assert facts["holds"] == [kind] and facts["activated"] is True
    renewed = datetime.fromisoformat(_seen(site, made)["expires_at"]) > now() + timedelta(days=29)
    assert renewed is bool(renewals)


def test_funds_that_do_not_cover_suspend_where_the_class_says_so_c11(
    site: Site, account: Account
) -> None:
    site.change("UPDATE customer_class SET pay_as_you_go = true, funds_suspend = true")
    made = _active(site, "rahim")
    site.hear(account(made["id"], 1, available_funds="0"))
    seen = _seen(site, made)
    assert (seen["status"], seen["status_reason"]) == ("suspended", "funds")


def test_a_limited_customer_stays_connected_and_charged_c17(site: Site, account: Account) -> None:
    site.change("UPDATE customer_class SET overdue_effect = 'limit', limited_kbps = 256")
    made = _active(site, "rahim")
    site.hear(account(made["id"], 1, outstanding="500.00", overdue=True))
    facts = site.events(made["id"])[-1].data["customer"]
    assert _seen(site, made)["status"] == "service_limited"
    assert (facts["activated"], facts["overdue_effect"], facts["limited_kbps"]) == (
        True, "limit", 256,
    )  # fmt: skip


def test_an_exceeded_credit_keeps_what_is_free_c25(site: Site, account: Account) -> None:
    """The hold is `credit` alone, whatever the class does with the overdue: that it walls and never
    blocks is radius-sync's (test_access)."""
    site.change("UPDATE customer_class SET suspended_access = 'blocked'")
    limit = {"amount": "100.00", "currency": "BDT"}
    made = _active(site, "rahim", balance_control="postpaid", credit_limit=limit)
    site.hear(account(made["id"], 1, outstanding="150.00"))
    facts = site.events(made["id"])[-1].data["customer"]
    assert (facts["holds"], facts["activated"]) == (["credit"], True)
    assert _seen(site, made)["status"] == "credit_exceeded"
    site.hear(account(made["id"], 2, outstanding="100.00"))
    assert _seen(site, made)["status"] == "active", "the limit itself is not above the limit"


def test_a_spending_limit_that_is_reached_shows_until_midnight_c30(site: Site) -> None:
    made = _active(site, "rahim", spending_limit={"amount": "50.00", "currency": "BDT"})
    held = site.admin.post(f"{_place(made)}/holds", {"kind": "spending"}).get_json()
    assert held["status"] == "spending_limit_reached"
    (hold,) = held["holds"]
    # The site's midnight: Dhaka is six hours ahead of UTC, all year.
    assert hold["until"].endswith("18:00:00+00:00")


def test_while_an_export_runs_the_customer_is_served_as_before_c37(site: Site) -> None:
    made = _active(site, "rahim")
    site.admin.post(f"{_place(made)}/holds", {"kind": "export"})
    facts = site.events(made["id"])[-1].data["customer"]
    assert (facts["activated"], facts["holds"], facts["standing"]) == (True, ["export"], "customer")


# ---------------------------------------------------------------- seed D
def test_an_accidental_deletion_is_found_among_the_deleted_and_taken_back_d7(site: Site) -> None:
    made = site.customer("rahim")
    site.admin.post(f"{_place(made)}/delete", {"reason": "operator_error"})
    (found,) = site.admin.get("/v1/deleted-customers?reason=operator_error").get_json()["items"]
    assert site.admin.post(f"{_place(found, deleted=True)}/restore").status_code == 200


def _cleanup(site: Site, confirm: str) -> Any:
    body = {"all": True, "confirm": confirm, "legal_basis": "data minimisation"}
    return site.admin.bulk("/v1/deleted-customers/erase", body)


def test_cleanup_erases_whoever_was_deleted_before_and_nobody_alive_d9(site: Site) -> None:
    gone = [site.deleted(f"gone{n}") for n in range(3)]
    site.customer("alive")
    asked = _cleanup(site, "ERASE 3 CUSTOMERS")
    assert asked.status_code == 202, asked.text
    advance(site)
    answer(site, asked.get_json()["id"], [one["id"] for one in gone])
    assert certify(site) == 1
    assert _names(site, "/v1/deleted-customers") == []
    assert _names(site, "/v1/customers") == ["alive"]
    assert {site.admin.get(_place(one, deleted=True)).status_code for one in gone} == {410}


def test_cleanup_of_all_asks_for_the_number_and_cannot_be_undone_d11_d12(site: Site) -> None:
    """D11: are you sure to remove all; D12: nothing brings an erased customer back."""
    gone = [site.deleted(f"gone{n}") for n in range(2)]
    for wrong in ("yes", "ERASE 1 CUSTOMERS", "erase 2 customers"):
        assert _cleanup(site, wrong).status_code == 422, wrong
    assert len(_names(site, "/v1/deleted-customers")) == 2
    asked = _cleanup(site, "ERASE 2 CUSTOMERS").get_json()
    advance(site)
    for one in gone:
        assert site.admin.post(f"{_place(one, deleted=True)}/restore").status_code == 410
    cancelled = site.admin.post(f"/v1/erasures/{asked['id']}/cancel")
    assert cancelled.status_code == 409


def test_the_right_confirmation_begins_the_erasure_d14(site: Site) -> None:
    site.deleted("gone")
    asked = _cleanup(site, "ERASE 1 CUSTOMERS").get_json()
    advance(site)
    seen = site.admin.get(f"/v1/erasures/{asked['id']}").get_json()
    assert (seen["state"], seen["total"]) == ("running", 1)


def test_a_deleted_customer_is_edited_as_any_other_d19(site: Site) -> None:
    made = site.deleted("rahim")
    changes = {
        "name": "Rahim Uddin", "phone": "01711 123456", "email": "r@example.org",
        "custom_fields": {"zone": "7"}, "username": "rahim-u",
    }  # fmt: skip
    changed = site.admin.patch(_place(made, deleted=True), changes)
    assert changed.status_code == 200, changed.text
    profile = changed.get_json()["profile"]
    assert (profile["name"], profile["phone"]) == ("Rahim Uddin", "+8801711123456")
    assert (profile["custom_fields"], profile["username"]) == ({"zone": "7"}, "rahim-u")
    refused = site.admin.patch(_place(made, deleted=True), {"phone": "12"})
    assert refused.status_code == 422
