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
