"""Customers from files: columns are mapped by a person, tried, corrected, then taken."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, JOB

FILE = b"Mobile,Who,Dog\r\n1,Rahim,Rex\r\n"
COLUMNS = {
    "rows": 1, "fields": ["name", "phone", "username"], "required": ["name", "username"],
    "columns": [{"header": "Mobile", "field": "phone", "examples": ["1"]},
                {"header": "Who", "field": None, "examples": ["Rahim"]},
                {"header": "Dog", "field": None, "examples": ["Rex"]}],
}  # fmt: skip
FOUND = {
    "id": ID, "job_id": JOB, "rows": 3, "mapping": {"Mobile": "phone"}, "dry_run": True,
    "actor": "north", "created_at": "2026-11-22T08:00:00+00:00", "state": "succeeded",
    "expires_at": "2026-11-29T08:00:00+00:00", "failed": 1, "done": 3,
}  # fmt: skip
ENDED = {
    "id": JOB,
    "kind": "customers.import",
    "state": "succeeded",
    "total": 3,
    "done": 3,
    "failed": 1,
}


@pytest.fixture(autouse=True)
def columns(script: Script) -> None:
    script.says("POST", "/v1/imports/columns", COLUMNS)
    script.says("GET", f"/v1/imports/{ID}", FOUND)
    script.says("GET", f"/v1/jobs/{JOB}", ENDED)
    wrong = [{"field": "phone", "code": "invalid", "detail": "no phone number"},
             {"field": "username", "code": "taken", "detail": "in use"}]  # fmt: skip
    row = {"position": 2, "state": "failed", "verdict": {"line": 3, "errors": wrong}}
    script.lists(f"/v1/jobs/{JOB}/rows", row)


def file() -> Any:
    return (io.BytesIO(FILE), "new.csv")


def test_the_columns_of_a_file_are_shown_with_what_they_seem_to_be(
    browser: Browser, script: Script
) -> None:
    browser.get("/customers/import")
    text = browser.send("/customers/import/columns", file=file()).get_data(as_text=True)
    assert '<option value="phone" selected>Phone</option>' in text and "Rahim" in text
    assert "Needed: Name and Username." in text and text.count("Left out") == 3
    assert script.sent("POST", "/v1/imports/columns") == [FILE]


def test_a_file_is_tried_with_the_columns_as_a_person_says(
    browser: Browser, script: Script
) -> None:
    browser.get("/customers/import")
    script.says("POST", "/v1/imports", {"id": JOB, "import_id": ID}, 202)
    done = browser.send(
        "/customers/import", file=file(), dry_run="1", operator_id=JOB,
        header=["Mobile", "Who", "Dog"], field=["phone", "name", ""],
    )  # fmt: skip
    assert done.headers["Location"] == f"/customers/imports/{ID}"
    ((_, _, query, body),) = [each for each in script.heard if each[1] == "/v1/imports"]
    assert body == FILE and query == {
        "dry_run": "true", "operator_id": JOB, "map": '{"Mobile":"phone","Who":"name","Dog":""}',
    }  # fmt: skip


def test_a_mapping_that_is_refused_comes_back_as_it_was_made(
    browser: Browser, script: Script
) -> None:
    browser.get("/customers/import")
    wrong = {"pointer": "/map", "code": "invalid", "detail": "no column for username"}
    script.refuses("POST", "/v1/imports", 422, "invalid", errors=[wrong])
    answer = browser.send(
        "/customers/import", file=file(), dry_run="0", header=["Mobile", "Who"], field=["", "name"]
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "no column for username" in text
    assert '<option value="name" selected>' in text and '"phone" selected' not in text
    assert script.sent("POST", "/v1/imports/columns") == [FILE], "read from its beginning again"


def test_a_trial_shows_each_fault_and_is_taken_by_one_click(
    browser: Browser, script: Script
) -> None:
    text = browser.get(f"/customers/imports/{ID}").get_data(as_text=True)
    assert "Phone: no phone number; Username: in use" in text and "Add 2 customers" in text
    assert f'href="/customers/imports/{ID}/refused-rows"' in text and "Retry" not in text
    assert script.sent("GET", f"/v1/jobs/{JOB}/rows")[-1]["state"] == "failed"
    script.says("POST", f"/v1/imports/{ID}/start", ENDED, 202)
    browser.send(f"/customers/imports/{ID}/start")
    assert script.sent("POST", f"/v1/imports/{ID}/start") == [{}]
    script.says("GET", f"/v1/imports/{ID}", FOUND | {"dry_run": False})
    text = browser.get(f"/customers/imports/{ID}").get_data(as_text=True)
    assert "They are being added." in text
    assert "Add 2 customers" not in text and "Retry" in text


def test_a_trial_that_was_cancelled_is_taken_with_the_rows_that_were_not_tried(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/jobs/{JOB}", ENDED | {"state": "cancelled", "done": 1, "failed": 1})
    text = browser.get(f"/customers/imports/{ID}").text
    assert "the others were not tried" in text and "Add all that are right" in text
    script.says("GET", f"/v1/jobs/{JOB}", ENDED | {"failed": 3})
    assert "/start" not in browser.get(f"/customers/imports/{ID}").text


def test_an_import_under_way_is_paused_and_the_page_stays(browser: Browser, script: Script) -> None:
    running = ENDED | {"state": "running", "done": 1, "failed": 0}
    script.says("GET", f"/v1/jobs/{JOB}", running)
    text = browser.get(f"/customers/imports/{ID}").get_data(as_text=True)
    assert "data-live" in text and "Pause" in text and "Add " not in text.split("<h2>")[-2]
    script.says("POST", f"/v1/jobs/{JOB}/pause", running | {"state": "paused"})
    here = f"http://localhost/customers/imports/{ID}"
    done = browser.post(
        f"/jobs/customers/{JOB}/pause", data={"csrf": browser.csrf}, headers={"Referer": here}
    )
    assert done.headers["Location"] == f"/customers/imports/{ID}"


def test_the_refused_rows_come_through_as_a_file(browser: Browser, script: Script) -> None:
    named = {"Content-Disposition": "attachment; filename=refused.csv"}
    script.says("GET", f"/v1/imports/{ID}/refused-rows", "name,line\r\n", 200, **named)
    answer = browser.get(f"/customers/imports/{ID}/refused-rows")
    assert answer.data == b"name,line\r\n"
    assert "refused.csv" in answer.headers["Content-Disposition"]
