"""Deletion: marked, hidden, kept whole; blockers by name; the list of the deleted."""

from datetime import datetime, timedelta
from typing import Any

from customers.searching import DELETED_SORTABLE
from tests.customers.conftest import Site


def test_the_deleted_list_has_the_columns_a12_to_a18_as_they_were_then(site: Site) -> None:
    """A12-A18, D5: a package renamed later, an operator renamed later, change nothing."""
    package = site.package("Home 10")
    made = site.customer("rahim", phone="01711123456", email="r@example.org", package_id=package)
    place = f"/v1/customers/{made['id']}"
    gone = site.admin.post(f"{place}/delete", {"reason": "migrated_away", "note": "moved"})
    site.admin.patch(f"/v1/packages/{package}", {"name": "Home 10 old"})
    (row,) = site.admin.get("/v1/deleted-customers").get_json()["items"]
    assert row == gone.get_json()
    assert set(row) == {
        "id", "customer_number", "name", "username", "phone", "email", "package_name",
        "operator_name", "deleted_at", "deleted_by", "reason", "note", "erase_after",
    }  # fmt: skip
    assert (row["package_name"], row["operator_name"]) == ("Home 10", "Administrator")
    assert (row["deleted_by"], row["reason"]) == ("admin", "migrated_away")


def test_a_deleted_customer_is_out_of_every_normal_view_and_names_its_place(site: Site) -> None:
    """A4, B31: for somebody else's branch it is not even deleted."""
    north = site.operator("north")
    made = site.deleted("rahim")
    place = f"/v1/customers/{made['id']}"
    assert site.admin.get("/v1/customers").get_json()["items"] == []
    for method, url in (
        ("GET", place), ("POST", f"{place}/activate"), ("GET", f"{place}/accounts"),
        ("GET", f"{place}/why-offline"), ("POST", f"{place}/close"),
    ):  # fmt: skip
        answer: Any = site.admin.call(method, url, None if method == "GET" else {})
        assert answer.status_code == 404, url
        assert answer.get_json()["type"].endswith("/deleted")
        assert answer.get_json()["deleted_customer"] == f"/v1/deleted-customers/{made['id']}"
    theirs: Any = north.get(place)
    assert theirs.status_code == 404 and theirs.get_json()["type"].endswith("/not-found")


def test_deleting_twice_is_the_same_deletion(site: Site) -> None:
    """B13."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}/delete"
    first = site.admin.post(place, {"reason": "wrong_entry"})
    again = site.admin.post(place, {"reason": "test_account"})
    assert first.get_json() == again.get_json() and again.status_code == 200
    assert [event.type for event in site.events(made["id"])].count("customer.deleted") == 1


def test_open_accounts_block_and_a_cascade_closes_them(site: Site) -> None:
    """C46, C48, decision 1.6.7."""
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}"
    line = site.admin.post(f"{place}/accounts", {"name": "office"})
    assert line.status_code == 201, line.text
    refused: Any = site.admin.post(f"{place}/delete", {"reason": "closed_account"})
    assert refused.status_code == 409 and refused.get_json()["type"].endswith("/blocked")
    (error,) = refused.get_json()["errors"]
    assert error["code"] == "open_accounts" and "accounts" in error["resolve"]
    dry = site.admin.post(
        f"{place}/delete", {"reason": "closed_account", "cascade": True, "dry_run": True}
    )
    assert dry.status_code == 200 and site.admin.get(place).status_code == 200
    gone = site.admin.post(f"{place}/delete", {"reason": "closed_account", "cascade": True})
    assert gone.status_code == 200
    assert site.one("SELECT state FROM account").state == "closed"


def test_which_blockers_block_is_the_sites_own_rule(site: Site) -> None:
    """Decision 1.6.7: open balance, legal hold."""
    made = site.customer("rahim")
    site.change(
        'UPDATE customer SET balance = 12.5, legal_hold = \'{"case": "7"}\' WHERE id = :id',
        id=made["id"],
    )
    place = f"/v1/customers/{made['id']}/delete"

    def codes() -> list[str]:
        problem: Any = site.admin.post(place, {"reason": "closed_account"}).get_json()
        return [error["code"] for error in problem.get("errors", [])]

    assert codes() == ["legal_hold"]
    site.admin.patch("/v1/settings", {"deletion_blockers": ["open_balance", "legal_hold"]})
    assert codes() == ["open_balance", "legal_hold"]
    site.admin.patch("/v1/settings", {"deletion_blockers": []})
    assert codes() == []


def test_each_reason_has_its_retention_and_a_corrected_reason_another(site: Site) -> None:
    """A7-A11, A41, D16: before and after are in the log."""
    made = site.deleted("rahim", "test_account")
    place = f"/v1/deleted-customers/{made['id']}"
    seen: Any = site.admin.get(place)
    detail = seen.get_json()
    deleted_at = datetime.fromisoformat(detail["deleted_at"])
    assert datetime.fromisoformat(detail["erase_after"]) - deleted_at == timedelta(days=7)
    changes = {"reason": "operator_error", "note": "it was us", "name": "Rahim U"}
    edited: Any = site.admin.patch(place, changes, seen.headers["ETag"])
    assert edited.status_code == 200, edited.text
    body = edited.get_json()
    assert (body["erase_after"], body["name"], body["note"]) == (None, "Rahim U", "it was us")
    assert site.admin.patch(place, {"name": "X"}, seen.headers["ETag"]).status_code == 412
    (row,) = site.rows(
        "SELECT d.before FROM operation o JOIN operation_detail d ON d.operation_id = o.id"
        " WHERE o.action = 'deleted_customer.edited'"
    )
    assert row.before["deletion_reason"] == "test_account"
    assert site.events(made["id"])[-1].data["customer"]["standing"] == "deleted"


def test_the_snapshot_and_the_log_keep_how_it_was_and_why(site: Site) -> None:
    """A39: who, when, why; the reason's note too."""
    made = site.customer("rahim")
    site.change("UPDATE customer SET balance = 12.5 WHERE id = :id", id=made["id"])
    site.admin.post(
        f"/v1/customers/{made['id']}/delete", {"reason": "closed_account", "note": "moved away"}
    )
    detail: Any = site.admin.get(f"/v1/deleted-customers/{made['id']}").get_json()
    assert detail["snapshot"]["balance"] == "12.500"
    logged: Any = site.admin.get("/v1/operations?action=customer.deleted").get_json()["items"]
    assert (logged[0]["actor"], logged[0]["reason"]) == ("admin", "moved away")
    assert logged[0]["subject"] == made["id"]


def test_the_deleted_are_found_by_every_field_and_in_every_order(site: Site) -> None:
    """A19-A21, B2-B5, C52."""
    first = site.deleted("rahim", phone="01711123456", email="r@example.org", name="Rahim Uddin")
    second = site.deleted("karim", "test_account", phone="01811123457", name="Karim Khan")
    for q in (
        "rahim ud", "RAHIM", "01711-123 456", "+8801711123456", "1711123", "r@exam",
        first["customer_number"], first["id"],
    ):  # fmt: skip
        rows = site.admin.get(f"/v1/deleted-customers?q={q.replace('+', '%2B')}").get_json()
        assert [row["id"] for row in rows["items"]] == [first["id"]], q
    assert site.admin.get("/v1/deleted-customers?q=%25").get_json()["items"] == []
    only = site.admin.get("/v1/deleted-customers?reason=test_account").get_json()["items"]
    assert [row["id"] for row in only] == [second["id"]]
    for sort in DELETED_SORTABLE:
        for order in (sort, f"-{sort}"):
            page = site.admin.get(f"/v1/deleted-customers?sort={order}&limit=1").get_json()
            rest = site.admin.get(
                f"/v1/deleted-customers?sort={order}&limit=1&cursor={page['next_cursor']}"
            ).get_json()
            seen = {page["items"][0]["id"], rest["items"][0]["id"]}
            assert seen == {first["id"], second["id"]}, order
    assert site.admin.get("/v1/deleted-customers?sort=password_sealed").status_code == 422
    late = site.admin.get("/v1/deleted-customers?from=2099-01-01T00:00:00Z").get_json()
    early = site.admin.get("/v1/deleted-customers?to=2099-01-01T00:00:00Z").get_json()
    assert late["items"] == [] and len(early["items"]) == 2
    assert site.admin.get("/v1/deleted-customers?from=2026-01-01").status_code == 422


def test_another_reason_counts_the_retention_anew_from_the_deletion(site: Site) -> None:
    """A41, D16: 1825 days for a closed account, 30 for a wrong entry, none for an operator's error."""
    made = site.deleted("rahim", "closed_account")
    place = f"/v1/deleted-customers/{made['id']}"
    for reason, days in (("wrong_entry", 30), ("closed_account", 1825), ("operator_error", None)):
        answer = site.admin.patch(place, {"reason": reason})
        assert answer.status_code == 200, answer.text
        row = site.one("SELECT erase_after, deleted_at FROM customer WHERE id = :i", i=made["id"])
        left = row.erase_after and (row.erase_after - row.deleted_at).days
        assert left == days, reason
