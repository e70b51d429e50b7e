"""Exports of exactly what is shown (E20-E24, B24), and gone with the erased."""

import csv
import io
from typing import Any

import pytest

from customers.exporting import RESOURCES
from customers.jobs import kinds
from shared import jobs
from shared.exporting import folder_of
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import erase


def ask_for(caller: Caller, resource: str, **more: Any) -> str:
    answer = caller.bulk("/v1/exports", {"resource": resource} | more)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["export_id"])


def export(
    site: Site, resource: str, caller: Caller | None = None, **more: Any
) -> list[dict[str, str]]:
    caller = caller or site.admin
    made = ask_for(caller, resource, **more)
    jobs.run_due(site.database, kinds(site.settings))
    file = caller.get(f"/v1/exports/{made}/file")
    assert file.status_code == 200, caller.get(f"/v1/exports/{made}").text
    content = file.get_data().decode("utf-8-sig")
    file.close()
    return list(csv.DictReader(io.StringIO(content)))


def test_the_deleted_list_is_exported_with_its_columns_in_its_order_a12_to_a18(site: Site) -> None:
    """Seed B24."""
    site.deleted("rahim", name="Rahim Uddin", phone="01711-123456", package_id=site.package())
    site.customer("alive")
    (row,) = export(site, "deleted_customers")
    assert list(row)[:7] == [
        "Customer Name", "Username", "Phone", "Package", "Operator", "Deleted At", "Deleted By",
    ]  # fmt: skip
    assert (row["Customer Name"], row["Phone"], row["Package"], row["Deleted By"]) == (
        "Rahim Uddin", "+8801711123456", "Home 10", "admin",
    )  # fmt: skip


def test_filter_and_columns_give_what_is_shown_e23(site: Site) -> None:
    for n in range(3):
        site.deleted(f"test{n}", "test_account")
    site.deleted("closed", "closed_account")
    rows = export(
        site, "deleted_customers", filter={"reason": "test_account"}, columns=["username", "reason"]
    )
    assert [list(row.items()) for row in rows] == [
        [("Username", f"test{n}"), ("Reason", "test_account")] for n in (2, 1, 0)
    ]


# Ids of what the file names, and what only who edits the row needs.
UNNAMED = {"class_id", "package_id", "operator_id", "version"}


def test_a_file_holds_whatever_the_list_shows_b24(site: Site) -> None:
    site.customer("rahim")
    (listed,) = site.admin.get("/v1/customers").get_json()["items"]
    gone = site.deleted("gone") and site.admin.get("/v1/deleted-customers").get_json()["items"][0]
    columns = {one.name: {column.name for column in one.columns} for one in RESOURCES}
    assert set(listed) - columns["customers"] == UNNAMED
    assert set(gone) <= columns["deleted_customers"]


def test_what_is_set_for_one_customer_stands_in_the_file(site: Site) -> None:
    """C14, C30, C35, A41: limits, promises, legal holds, own fields, and who above blocks."""
    north = site.operator("north")
    made = site.customer(
        "rahim", north, custom_fields={"zone": "7"}, auto_payment=True, static_address="10.0.0.7",
        spending_limit={"amount": "50.00", "currency": "BDT"},
    )  # fmt: skip
    hold = {"case": "K-17", "until": "2090-01-01T00:00:00Z"}
    site.admin.post(f"/v1/customers/{made['id']}/legal-hold", hold)
    site.change("UPDATE operator SET holds = '{fraud}' WHERE username = 'north'")
    (row,) = export(site, "customers")
    assert (row["Spending Limit"], row["Auto Payment"]) == ("50.000", "true")
    assert row["Custom Fields"] == '{"zone": "7"}' and row["Static Address"] == "10.0.0.7"
    assert "K-17" in row["Legal Hold"] and "owner_path" not in row["Legal Hold"]
    assert (row["Status"], row["Status Reason"]) == ("reseller_blocked", "fraud")
    assert row["Status Since"] and row["Lift Suspension Until"] == ""


@pytest.mark.parametrize("resource", ["customers", "deleted_customers"])
def test_a_file_is_in_the_order_of_the_list_and_has_who_nearly_fits_as_it_does(
    site: Site, resource: str
) -> None:
    """B24, C52, A19: exactly what is shown, for a search with a typing error too."""
    place = f"/v1/{resource.replace('_', '-')}"
    for n, name in enumerate(("Rahim Uddin", "Rahim Uddin Khan", "Selina")):
        site.customer(f"u-{n}", name=name) if resource == "customers" else site.deleted(
            f"u-{n}", name=name
        )
    for q, sort in (("rahmi uddin", "-username"), ("rahim", "username"), ("rahim", "-name")):
        shown = site.admin.get(f"{place}?q={q}&sort={sort}").get_json()
        assert shown["approximate"] is (q == "rahmi uddin") and len(shown["items"]) == 2
        rows = export(site, resource, filter={"q": q}, sort=sort)
        assert [row["Username"] for row in rows] == [one["username"] for one in shown["items"]]
    wrong = site.admin.bulk("/v1/exports", {"resource": resource, "sort": "password_sealed"})
    assert wrong.status_code == 422 and wrong.get_json()["errors"][0]["pointer"] == "/sort"


def test_each_customer_stands_as_in_the_list(site: Site) -> None:
    north = site.operator("north")
    site.customer("free")
    made = site.customer("below", north, package_id=site.package())
    north.post(f"/v1/customers/{made['id']}/activate")
    site.change("UPDATE operator SET holds = '{reseller}' WHERE username = 'north'")
    listed = site.admin.get("/v1/customers").get_json()["items"]
    rows = export(site, "customers")
    assert [(row["Username"], row["Status"], row["Package"]) for row in rows] == [
        (one["username"], one["status"], one["package_name"] or "") for one in listed
    ]
    assert rows[0]["Status"] == "reseller_suspended"
    held = export(site, "customers", filter={"status": "reseller_suspended"})
    assert [row["Username"] for row in held] == ["below"]
    mine = export(site, "customers", filter={"operator_id": str(north.id)})
    assert [row["Username"] for row in mine] == ["below"]


@pytest.mark.parametrize("format", ["xlsx", "parquet"])
@pytest.mark.parametrize("resource", [resource.name for resource in RESOURCES])
def test_every_resource_is_exported_in_every_format(site: Site, resource: str, format: str) -> None:
    site.deleted("rahim")
    site.customer("karim")
    made = ask_for(site.admin, resource, format=format)
    jobs.run_due(site.database, kinds(site.settings))
    found = site.admin.get(f"/v1/exports/{made}").get_json()
    assert found["state"] == "succeeded" and found["manifest"]["rows"] >= 1, found


def test_a_reseller_exports_the_own_branch_only(site: Site) -> None:
    north, south = site.operator("north"), site.operator("south")
    site.customer("mine", north), site.customer("theirs", south)
    assert [row["Username"] for row in export(site, "customers", north)] == ["mine"]
    actions = export(site, "operations", north)
    assert {row["Actor"] for row in actions} == {"admin", "north"}
    assert "theirs" not in str(actions) and "South" not in str(actions)
    foreign = {"operator_id": str(south.id)}
    assert export(site, "customers", north, filter=foreign) == []


def test_a_name_that_is_a_formula_stays_text(site: Site) -> None:
    site.customer("evil", name="=HYPERLINK(1)")
    (row,) = export(site, "customers")
    assert row["Customer Name"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    "wish",
    [
        {"resource": "payments"},
        {"resource": "customers", "columns": ["password_sealed"]},
        {"resource": "customers", "filter": {"shoe_size": 3}},
        {"resource": "customers", "filter": {"status": "sleepy"}},
    ],
)
def test_an_export_of_what_is_not_shown_is_refused(site: Site, wish: dict[str, Any]) -> None:
    assert site.admin.bulk("/v1/exports", wish).status_code == 422


def test_files_go_when_a_customer_is_erased(site: Site) -> None:
    gone = site.deleted("vexworth.q")
    made = ask_for(site.admin, "deleted_customers", filter={"q": "vexworth.q"})
    jobs.run_due(site.database, kinds(site.settings))
    assert len(list(folder_of(site.settings).iterdir())) == 1
    erasure = erase(site, gone)
    assert list(folder_of(site.settings).iterdir()) == []
    assert site.admin.get(f"/v1/exports/{made}/file").status_code == 410
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    assert document["exports_removed"] == 1
    assert document["leftovers"]["customers"]["hits"] == []
