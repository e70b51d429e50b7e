"""Files that an operator sends: whole, as they are, and no larger than the services take."""

from __future__ import annotations

import io

import pytest

from console import uploads
from console.web import MOST_FORM
from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import JOB


def test_a_statement_is_sent_on_as_it_is_however_large_forms_may_be(
    browser: Browser, script: Script
) -> None:
    content = b"date,amount\r\n" + b"2026-11-20,500.00\r\n" * (MOST_FORM // 15)
    assert len(content) > MOST_FORM
    browser.get("/statements/imports/new")
    script.says("POST", "/v1/statement-imports", {"id": JOB}, 202)
    done = browser.send(
        "/statements/imports/new", source="bank", date_format="DD/MM/YYYY",
        file=(io.BytesIO(content), "November.CSV"),  # type: ignore[arg-type]
    )  # fmt: skip
    assert done.headers["Location"] == f"/jobs/payments/{JOB}"
    ((_, _, query, body),) = [each for each in script.heard if each[1] == "/v1/statement-imports"]
    assert body == content and query == {"source": "bank", "date_format": "DD/MM/YYYY"}


def test_a_file_that_no_service_reads_is_refused_beside_its_field(
    browser: Browser, script: Script
) -> None:
    browser.get("/customers/import")
    answer = browser.send(
        "/customers/import",
        file=(io.BytesIO(b"%PDF"), "list.pdf"),  # type: ignore[arg-type]
    )
    assert answer.status_code == 422
    assert "Choose a file that ends in .csv, .xlsx, .xml." in answer.get_data(as_text=True)
    assert script.sent("POST", "/v1/imports") == []


def test_a_file_above_the_limit_is_refused_and_other_forms_stay_small(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.get("/customers/import")
    monkeypatch.setattr(uploads, "MOST_FILE", 1000)
    large = (io.BytesIO(b"x" * 2000), "new.csv")
    assert browser.send("/customers/import", file=large).status_code == 413  # type: ignore[arg-type]
    small = (io.BytesIO(b"x" * MOST_FORM), "new.csv")
    assert browser.send("/customers/delete", file=small).status_code == 413  # type: ignore[arg-type]
