"""Reports: which sums are asked for, and what is wrong with a range that is none."""

from __future__ import annotations

import re

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

TAKA = {"amount": "500.00", "currency": "BDT"}


def test_e24_collections_are_summed_as_the_split_says(browser: Browser, script: Script) -> None:
    row = {"day": "2026-11-20", "operator_name": "North", "payments": 3, "amount": TAKA,
           "refunded": TAKA, "net": TAKA}  # fmt: skip
    script.says("GET", "/v1/reports/collections", {"items": [row]})
    text = browser.get("/reports/collections?from=2026-11-01&by=day,operator").get_data(
        as_text=True
    )
    assert script.sent("GET", "/v1/reports/collections")[-1] == {
        "from": "2026-11-01", "by": "day,operator"
    }  # fmt: skip
    assert "2026-11-20" in text and "North" in text and "500.00 BDT" in text
    browser.get("/reports/collections")
    assert script.sent("GET", "/v1/reports/collections")[-1] == {"by": "method"}


def test_a_range_that_is_none_is_said_and_not_thrown(browser: Browser, script: Script) -> None:
    script.refuses(
        "GET", "/v1/reports/taxes", 422, "invalid",
        errors=[{"parameter": "to", "code": "range", "detail": "The end is before the beginning."}],
    )  # fmt: skip
    answer = browser.get("/reports/taxes?from=2026-11-01&to=2026-10-01")
    assert answer.status_code == 200
    assert "The end is before the beginning." in answer.get_data(as_text=True)


def test_unknown_payments_show_both_sides_by_age(browser: Browser, script: Script) -> None:
    script.says("GET", "/v1/reports/reconciliation", {
        "open_lines": [{"source": "bank", "exception": "unknown", "age_days": age, "lines": 2,
                        "amount": TAKA} for age in ("0-7", "31-90", "8-30", "91+")],
        "unsettled_payments": [], "waiting_reviews": [],
    })  # fmt: skip
    text = browser.get("/reports/unknown").get_data(as_text=True)
    assert re.findall(r"<td>(\d+[-+]\d*)", re.sub(r"\s", "", text)) == [
        "0-7",
        "8-30",
        "31-90",
        "91+",
    ]
    assert "None: all are settled." in text


def test_what_is_owed_is_told_by_operator_too(browser: Browser, script: Script) -> None:
    row = {"age": "91+", "operator_name": "South", "bills": 2, "customers": 1, "unpaid": TAKA}
    script.says("GET", "/v1/reports/ageing", {"items": [row]})
    assert "South" not in browser.get("/reports/ageing").get_data(as_text=True)
    assert "South" in browser.get("/reports/ageing?by=operator").get_data(as_text=True)
