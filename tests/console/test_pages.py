"""What the forms send, and how they come back when a service refuses (over scripted services)."""

from __future__ import annotations

import re

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

ID = "01990000-0000-7000-8000-0000000000aa"
JOB = "01990000-0000-7000-8000-0000000000bb"
PERSON = {"id": ID, "name": "Rahima Begum", "username": "rahima", "status": "active", "holds": [],
          "customer_number": "C100", "currency": "BDT", "email": "r@example.org"}  # fmt: skip
DELETED = {**PERSON, "deleted_at": "2026-11-20T10:00:00+00:00", "deleted_by": "admin",
           "reason": "operator_error", "package_name": "Home 20", "operator_name": "North"}  # fmt: skip


def test_c39_to_c44_the_list_shows_money_by_the_kind_of_customer(
    browser: Browser, script: Script
) -> None:
    money = {"balance": {"amount": "1500.00", "currency": "BDT"},
             "credit_limit": {"amount": "3000.00", "currency": "BDT"},
             "available_funds": {"amount": "250.50", "currency": "BDT"}}  # fmt: skip
    for control, shown, hidden in (
        ("postpaid", ("1,500.00", "3,000.00"), ("250.50",)),
        ("prepaid", ("250.50",), ("1,500.00", "3,000.00")),
    ):
        script.lists("/v1/customers", {**PERSON, **money, "balance_control": control})
        text = browser.get("/customers").get_data(as_text=True)
        assert all(each in text for each in shown) and not any(each in text for each in hidden)


def test_d3_delete_without_a_tick_says_what_to_do(browser: Browser, script: Script) -> None:
    assert browser.send("/customers/delete").status_code == 303
    assert "Tick the customers" in browser.get("/customers").get_data(as_text=True)


def test_d4_nothing_is_deleted_before_the_confirmation(browser: Browser, script: Script) -> None:
    page = browser.send("/customers/delete", id=[ID, JOB]).get_data(as_text=True)
    assert "Delete 2 customers?" in page
    assert script.sent("POST", "/v1/customers/delete") == []
    script.says("POST", "/v1/customers/delete", {"id": JOB}, 202)
    done = browser.send(
        "/customers/delete/confirmed", id=[ID, JOB], reason="test_account", note="", cascade="1"
    )
    assert done.headers["Location"] == f"/jobs/customers/{JOB}"
    assert script.sent("POST", "/v1/customers/delete") == [
        {"ids": [ID, JOB], "reason": "test_account", "cascade": True}
    ]


def test_c48_what_stands_against_a_deletion_is_shown_with_what_resolves_it(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    script.refuses(
        "POST", f"/v1/customers/{ID}/delete", 409, "blocked",
        errors=[{"code": "open_accounts", "detail": "2 open accounts (C48)"}],
    )  # fmt: skip
    answer = browser.send(f"/customers/{ID}/delete", reason="closed_account", note="moved")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "2 open accounts" in text and "Close open accounts too" in text
    assert ">moved</textarea>" in text


def test_the_profile_of_a_deleted_customer_leads_to_the_deleted_record(
    browser: Browser, script: Script
) -> None:
    script.refuses("GET", f"/v1/customers/{ID}", 404, "deleted")
    assert browser.get(f"/customers/{ID}").headers["Location"] == f"/deleted-customers/{ID}"


def test_a12_to_a18_the_deleted_list_has_exactly_these_columns(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/deleted-customers", DELETED)
    text = browser.get("/deleted-customers").get_data(as_text=True)
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([A-Z][\w ]+)', text)
    assert heads == ["Customer Name", "Username", "Phone", "Package", "Operator", "Deleted At",
                     "Deleted By"]  # fmt: skip


def test_b13_b14_a_clash_comes_back_with_suggestions_filled_in(
    browser: Browser, script: Script
) -> None:
    place = f"/v1/deleted-customers/{ID}"
    script.says("GET", place, {**DELETED, "profile": {**PERSON, "static_address": "10.0.0.7"}})
    script.refuses(
        "POST", f"{place}/restore", 409, "taken",
        errors=[{"pointer": "/username", "code": "taken", "detail": "In use.",
                 "suggestions": ["rahima2", "rahima3"]},
                {"pointer": "/static_address", "code": "taken", "detail": "In use.",
                 "suggestions": ["10.0.0.8"]}],
    )  # fmt: skip
    answer = browser.send(f"/deleted-customers/{ID}/restore")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="rahima2"' in text and "rahima3" in text and "Was rahima" in text
    assert 'value="10.0.0.8"' in text and "Was 10.0.0.7" in text
    script.says("POST", f"{place}/restore", {**PERSON, "integrity": {"checks": {"log": True}}})
    assert browser.send(f"/deleted-customers/{ID}/restore", username="rahima3").status_code == 303
    assert script.sent("POST", f"{place}/restore") == [{}, {"username": "rahima3"}]


def test_b17_a_failed_integrity_check_is_told(browser: Browser, script: Script) -> None:
    report = {"checks": {"accounts_kept": True, "balance_unchanged": False}}
    place = f"/v1/deleted-customers/{ID}/restore"
    script.says("POST", place, {**PERSON, "integrity": report})
    browser.send(f"/deleted-customers/{ID}/restore")
    text = browser.get("/customers").get_data(as_text=True)
    assert "Check failed: Balance unchanged." in text and "Accounts kept" not in text


def test_a34_permanent_deletion_warns_and_wants_the_number_typed(
    browser: Browser, script: Script
) -> None:
    place = f"/v1/deleted-customers/{ID}"
    script.says("GET", place, DELETED)
    page = browser.get(f"/deleted-customers/{ID}/erase").get_data(as_text=True)
    assert "This cannot be undone." in page and "C100" in page
    script.says("POST", f"{place}/erase", {"id": JOB, "mode": "pseudonymise"}, 202)
    browser.send(f"/deleted-customers/{ID}/erase", confirm="C100", mode="pseudonymise",
                 legal_basis="asked by the person")  # fmt: skip
    assert script.sent("POST", f"{place}/erase") == [
        {"confirm": "C100", "mode": "pseudonymise", "legal_basis": "asked by the person"}
    ]


def test_d13_only_what_is_ticked_is_erased_and_nothing_ticked_is_not_all(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/deleted-customers", DELETED, total=7)
    assert browser.send("/deleted-customers/erase").status_code == 303
    page = browser.send("/deleted-customers/erase", id=[ID]).get_data(as_text=True)
    assert "ERASE 1 CUSTOMERS" in page
    page = browser.get("/deleted-customers/cleanup").get_data(as_text=True)
    assert "ERASE 7 CUSTOMERS" in page and "<strong>all</strong> 7" in page
    assert script.sent("POST", "/v1/deleted-customers/erase") == []


def test_e31_a_payment_is_sent_once_with_the_key_of_its_form(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    page = browser.get(f"/customers/{ID}/payments/new").get_data(as_text=True)
    keys = re.findall(r'name="key" value="([0-9a-f-]{36})"', page)
    assert len(keys) == 1
    fault = {"pointer": "/amount/amount", "code": "invalid", "detail": "too fine"}
    script.refuses("POST", "/v1/payments", 422, "invalid", errors=[fault])
    form = {"amount": "1.005", "currency": "BDT", "method": "cash", "key": keys[0]}
    again = browser.post(
        f"/customers/{ID}/payments/new", data={"csrf": browser.csrf, **form}
    ).get_data(as_text=True)
    assert f'name="key" value="{keys[0]}"' in again and 'value="1.005"' in again
    assert 'id="amount-fault">too fine' in again
    assert script.sent("POST", "/v1/payments") == [
        {"customer_id": ID, "method": "cash", "amount": {"amount": "1.005", "currency": "BDT"}}
    ]


def test_e20_to_e23_the_export_takes_the_filters_of_the_page(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/exports", {"id": ID, "export_id": JOB}, 202)
    done = browser.send("/payments/export?from=2026-11-01&method=cash&sort=amount", format="xlsx")
    assert done.headers["Location"] == f"/exports/payments/{JOB}"
    assert script.sent("POST", "/v1/exports") == [
        {"resource": "payments", "format": "xlsx", "time_zone": "Asia/Dhaka",
         "sort": "amount", "filter": {"from": "2026-11-01", "method": "cash"}}
    ]  # fmt: skip


def test_a_file_is_passed_on_as_it_comes(browser: Browser, script: Script) -> None:
    script.says("GET", f"/v1/exports/{JOB}/file", "a,b\r\n", 200,
                **{"Content-Disposition": 'attachment; filename="payments.csv"'})  # fmt: skip
    with browser.get(f"/exports/payments/{JOB}/file") as answer:
        assert answer.data == b"a,b\r\n"
        assert "payments.csv" in answer.headers["Content-Disposition"]


def test_a_hold_lasts_to_the_end_of_its_last_day_in_the_isps_zone(
    browser: Browser, script: Script
) -> None:
    script.says("POST", f"/v1/customers/{ID}/holds", PERSON, 201)
    browser.send(f"/customers/{ID}/holds", kind="vacation", reason="away", until="2026-12-31")
    (sent,) = script.sent("POST", f"/v1/customers/{ID}/holds")
    assert sent["until"] == "2027-01-01T00:00:00+06:00"


def test_a_stale_edit_is_refused_and_shows_what_was_typed(browser: Browser, script: Script) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON, ETag='"8"')
    script.refuses("PATCH", f"/v1/customers/{ID}", 412, "stale", detail="Read it again.")
    script.lists("/v1/customer-classes", {"id": JOB, "name": "Shops"})
    answer = browser.send(f"/customers/{ID}/edit", etag='"7"', name="New Name", username="rahima")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412
    assert "What you typed is kept" in text and 'value="New Name"' in text
    assert "There now: Rahima Begum" in text and ">Shops</option>" in text
    assert 'name="etag" value="&#34;8&#34;"' in text


def test_an_edit_takes_away_what_was_emptied_and_keeps_what_has_to_be_there(
    browser: Browser, script: Script
) -> None:
    limit = {"amount": "3000.00", "currency": "BDT"}
    script.says("GET", f"/v1/customers/{ID}", PERSON | {"credit_limit": limit}, ETag='"8"')
    script.says("PATCH", f"/v1/customers/{ID}", PERSON)
    form = browser.get(f"/customers/{ID}/edit").text
    assert 'value="3000.00"' in form and "New password" in form
    browser.send(
        f"/customers/{ID}/edit", etag='"8"', name="Rahima", username="rahima", email="", phone="",
        credit_limit="", credit_limit_currency="BDT", spending_limit="50",
        spending_limit_currency="BDT",
    )  # fmt: skip
    assert script.matches == ['"8"']
    assert script.sent("PATCH", f"/v1/customers/{ID}") == [
        {"name": "Rahima", "username": "rahima", "email": None, "phone": None, "address": None,
         "static_address": None, "credit_limit": None, "auto_payment": False,
         "spending_limit": {"amount": "50", "currency": "BDT"}}
    ]  # fmt: skip


def test_a_customer_is_added_of_the_standard_class_unless_somebody_says_another(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/packages", {"id": JOB, "name": "Home 20", "retired": False})
    script.lists("/v1/customer-classes", {"id": JOB, "name": "Shops"})
    form = browser.get("/customers/new").text
    assert ">Shops</option>" in form and ">Home 20</option>" in form
    script.says("POST", "/v1/customers", PERSON, 201)
    typed = {"name": "Rahima", "username": "rahima", "service_type": "pppoe"}
    done = browser.send("/customers/new", **typed, class_id="", package_id="", phone="")
    assert done.headers["Location"] == f"/customers/{ID}"
    assert script.sent("POST", "/v1/customers") == [typed]
    wrong = {"pointer": "/username", "code": "taken", "detail": "is in use"}
    script.refuses("POST", "/v1/customers", 409, "taken", errors=[wrong])
    again = browser.send("/customers/new", **typed, class_id=JOB)
    assert 'id="username-fault">is in use' in again.text
    assert f'value="{JOB}" selected' in again.text
