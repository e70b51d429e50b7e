"""Around an import: the columns of a file, how it stands, the rows to correct, and taking a tried file."""

from __future__ import annotations

import csv
import io
from typing import Any

from customers.jobs import kinds
from shared import jobs
from tests.customers.conftest import Caller, Site
from tests.customers.importing import GOOD, XLSX, send, sheet, take

MIXED = (
    "name,username,phone,password\n"
    "Rahim,rahim,01711-123456,secret-one\n"
    "=Karim,kar im,12,secret-two\n"
)  # fmt: skip


def look(caller: Caller, content: bytes | str, mime: str = "text/csv") -> dict[str, Any]:
    answer = caller.client.post(
        "/v1/imports/columns", data=content,
        headers={"Authorization": f"Bearer {caller.token}", "Content-Type": mime},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def tried(site: Site, content: str, caller: Caller | None = None) -> str:
    """The id of an import whose trial has ended."""
    result = take(site, content, "?dry_run=true", **({"caller": caller} if caller else {}))
    return str(result["import_id"])


def test_a_files_columns_are_shown_with_what_each_suggests_and_nothing_is_kept(site: Site) -> None:
    found = look(site.admin, GOOD)
    assert {one["header"]: one["field"] for one in found["columns"]} == {
        "Customer Name": "name", "Username": "username", "Phone": "phone", "E-mail": "email",
        "Password": "password", "Package": "package", "Shoe size": None,
    }  # fmt: skip
    examples = {one["header"]: one["examples"] for one in found["columns"]}
    assert examples["Customer Name"] == ["Rahim Uddin", "Karim Mia"]
    assert examples["Password"] == [], "a password is shown to nobody"
    assert found["rows"] == 2 and found["required"] == ["name", "username"]
    assert {"customer_number", "package", "credit_limit"} <= set(found["fields"])
    assert site.rows("SELECT * FROM import") == site.rows("SELECT * FROM idempotency") == []


def test_of_two_columns_for_one_field_the_first_is_suggested(site: Site) -> None:
    found = look(site.admin, sheet([["Login", "User", "Name"], ["a", "b", "c"]]), XLSX)
    assert [one["field"] for one in found["columns"]] == ["username", None, "name"]


def test_a_tried_file_is_taken_without_being_sent_again(site: Site) -> None:
    import_id = tried(site, MIXED)
    place = f"/v1/imports/{import_id}"
    found = site.admin.get(place).get_json()
    assert (found["dry_run"], found["state"], found["done"], found["failed"]) == (
        True, "succeeded", 2, 1,
    )  # fmt: skip
    begun = site.admin.post(f"{place}/start")
    assert begun.status_code == 202, begun.text
    jobs.run_due(site.database, kinds(site.settings))
    job = site.admin.get(begun.headers["Location"]).get_json()
    assert (job["result"]["created"], job["result"]["failed"]) == (1, 1)
    assert [row.username for row in site.rows("SELECT username FROM customer")] == ["rahim"]
    found = site.admin.get(place).get_json()
    assert (found["dry_run"], found["job_id"]) == (False, job["id"])
    again = site.admin.post(f"{place}/start")
    assert again.status_code == 409 and "started already" in again.get_json()["detail"]


def test_a_trial_that_still_runs_is_not_taken(site: Site) -> None:
    begun = send(site.admin, MIXED, "?dry_run=true").get_json()
    early = site.admin.post(f"/v1/imports/{begun['import_id']}/start")
    assert early.status_code == 409 and "has not ended" in early.get_json()["detail"]


def test_whoever_starts_it_the_customers_are_those_of_whom_sent_it(site: Site) -> None:
    """And another branch neither sees nor starts it."""
    north, south = site.operator("north"), site.operator("south")
    place = f"/v1/imports/{tried(site, MIXED, north)}"
    assert south.get("/v1/imports").get_json()["items"] == []
    for answer in (
        south.get(place), south.get(f"{place}/refused-rows"), south.post(f"{place}/start"),
    ):  # fmt: skip
        assert answer.status_code == 404
    assert [one["actor"] for one in site.admin.get("/v1/imports").get_json()["items"]] == ["north"]
    assert site.admin.post(f"{place}/start").status_code == 202
    jobs.run_due(site.database, kinds(site.settings))
    assert site.one("SELECT operator_path FROM customer").operator_path == north.path


def test_the_refused_rows_come_as_a_file_that_is_corrected_and_sent_again(site: Site) -> None:
    """Safe against formulas, without passwords, and noted as looked at (A39)."""
    place = f"/v1/imports/{tried(site, MIXED)}/refused-rows"
    answer = site.admin.get(place)
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["name"], row["username"], row["line"], row["password"]) == (
        "'=Karim", "kar im", "3", "",
    )  # fmt: skip
    assert "username: " in row["what is wrong"] and "phone: " in row["what is wrong"]
    assert site.app.extensions["tenure.access_log"].flush()
    looked = site.one("SELECT * FROM access_log WHERE what = 'refused_rows'")
    assert looked.records == 1
    mended = answer.data.decode().replace("kar im", "karim").replace(",12,", ",,")
    assert take(site, mended)["created"] == 1
    assert site.one("SELECT name FROM customer").name == "=Karim"


def test_whoever_retries_it_the_customers_are_those_of_whom_sent_it(site: Site) -> None:
    north = site.operator("north")
    job = send(north, "name,username,package\nRahim,rahim,Late 5\n").get_json()["id"]
    jobs.run_due(site.database, kinds(site.settings))
    site.package("Late 5")
    assert site.admin.post(f"/v1/jobs/{job}/retry").status_code == 202
    jobs.run_due(site.database, kinds(site.settings))
    assert site.one("SELECT operator_path FROM customer").operator_path == north.path
