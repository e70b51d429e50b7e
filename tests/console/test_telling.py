"""What the pages say of erasures, jobs, payments and operations must not mislead (scripted services)."""

from __future__ import annotations

import re

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

ID = "01990000-0000-7000-8000-0000000000aa"
OTHER = "01990000-0000-7000-8000-0000000000bb"


def test_a32_a_refused_erasure_says_of_each_customer_why(browser: Browser, script: Script) -> None:
    script.says("GET", f"/v1/erasures/{ID}", {"id": ID, "state": "refused", "total": 1,
                                              "receipts": {}})  # fmt: skip
    script.lists(f"/v1/erasures/{ID}/subjects", {"customer_id": OTHER, "state": "refused",
                 "detail": "the retention period stands", "finished_at": None})  # fmt: skip
    text = browser.get(f"/erasures/{ID}").get_data(as_text=True)
    assert "the retention period stands" in text and OTHER in text
    assert "No service has answered yet" not in text


def test_a38_what_keeps_a_certificate_back_is_said_and_can_be_accepted(
    browser: Browser, script: Script
) -> None:
    hit = {"log": "customers-web.log", "from_line": 7, "do": "take the lines out"}
    held: dict[str, object] = {
        "id": ID,
        "state": "running",
        "total": 1,
        "receipts": {},
        "accepted": None,
    }
    script.says("GET", f"/v1/erasures/{ID}", held | {"leftovers": {"hits": [hit]}})
    script.lists(f"/v1/erasures/{ID}/subjects")
    text = browser.get(f"/erasures/{ID}").get_data(as_text=True)
    assert "customers-web.log" in text and "take the lines out" in text
    script.says("POST", f"/v1/erasures/{ID}/accept", held)
    browser.send(f"/erasures/{ID}/accept", reason="a program of that name")
    assert script.heard[-1][:2] == ("POST", f"/v1/erasures/{ID}/accept")
    assert script.heard[-1][3] == {"reason": "a program of that name"}
    nothing: tuple[object, ...] = (None, {"hits": []})
    for left in nothing:
        script.says("GET", f"/v1/erasures/{ID}", held | {"leftovers": left})
        assert "Certify as it stands" not in browser.get(f"/erasures/{ID}").get_data(as_text=True)


def test_a_job_of_which_every_row_failed_does_not_look_well(
    browser: Browser, script: Script
) -> None:
    job = {"id": ID, "kind": "customers.activate", "state": "succeeded", "total": 4, "done": 4,
           "failed": 4, "created_at": "2026-11-22T06:25:26+00:00", "actor": "north"}  # fmt: skip
    script.says("GET", f"/v1/jobs/{ID}", job)
    script.lists(f"/v1/jobs/{ID}/rows")
    script.lists("/v1/jobs", job)
    for page in (browser.get(f"/jobs/customers/{ID}"), browser.get("/jobs")):
        text = page.get_data(as_text=True)
        assert "Activate customers" in text
        assert (
            "Ended, all failed" in text
            and ">Succeeded</span>" not in text
            and "<td>Succeeded" not in text
        )


def test_only_a_job_with_failures_offers_to_try_them_again(
    browser: Browser, script: Script
) -> None:
    job = {"id": ID, "kind": "customers.delete", "state": "succeeded", "total": 4, "done": 4}
    script.lists(f"/v1/jobs/{ID}/rows")
    script.says("GET", f"/v1/jobs/{ID}", {**job, "failed": 0})
    assert "Retry" not in browser.get(f"/jobs/customers/{ID}").get_data(as_text=True)
    script.says("GET", f"/v1/jobs/{ID}", {**job, "failed": 1})
    assert "Retry" in browser.get(f"/jobs/customers/{ID}").get_data(as_text=True)
    script.says("POST", f"/v1/jobs/{ID}/retry", {"id": OTHER, "state": "queued"}, status=202)
    again = browser.send(f"/jobs/customers/{ID}/retry")
    assert again.headers["Location"] == f"/jobs/customers/{OTHER}"


def test_a_job_without_a_list_of_rows_does_not_count_up_to_nothing(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/jobs/{ID}", {"id": ID, "kind": "export", "state": "succeeded",
                                          "total": 0, "done": 1420, "failed": 0})  # fmt: skip
    script.lists(f"/v1/jobs/{ID}/rows")
    text = browser.get(f"/jobs/customers/{ID}").get_data(as_text=True)
    assert "1420 done" in text and "of 0" not in text


def test_e4_a_void_payment_and_a_refund_show_in_the_log_of_payments(
    browser: Browser, script: Script
) -> None:
    payment = {"id": ID, "customer_id": ID, "amount": {"amount": "7.00", "currency": "BDT"}}
    script.lists(
        "/v1/payments",
        payment | {"status": "voided"},
        payment | {"status": "partly_refunded"},
        payment | {"status": "recorded"},
    )
    script.lists("/v1/payments/totals")
    text = browser.get("/payments").get_data(as_text=True)
    assert re.findall(r'class="under">(\w[\w ]*)', text) == ["Voided", "Partly refunded"]


def test_b21_an_operation_shows_what_changed_from_what_to_what(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/operations", {
        "id": ID, "at": "2026-11-22T06:18:07+00:00", "actor": "north", "subject": ID,
        "action": "customer.changed", "subject_kind": "customer", "reason": "typing error",
        "before": {"name": "Rahim", "phone": "+8801711000001", "email": None},
        "after": {"name": "Rahima", "phone": "+8801711000001", "email": "r@example.org"},
    })  # fmt: skip
    text = re.sub(r"\s+", " ", browser.get("/operations").get_data(as_text=True))
    assert "<dt>name</dt><dd>Rahim → Rahima</dd>" in text
    assert "<dt>email</dt><dd>– → r@example.org</dd>" in text
    assert "<dt>phone</dt>" not in text
    assert "typing error" in text
