"""What an operator does on any day beside taking money: bills by hand, holds, lines, RADIUS servers."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import ID, JOB, PERSON

TAKA = {"amount": "500.00", "currency": "BDT"}
BILL = {"id": JOB, "number": "B-7", "customer_id": ID, "customer_name": "Rahima", "username": "rahima",
        "status": "open", "total": TAKA, "paid": TAKA, "items": []}  # fmt: skip
SERVER = {"id": ID, "name": "north", "embedded": False, "enabled": True, "health": "well",
          "radius": {"address": "10.0.0.9", "port": 1812, "state": "answers"}}  # fmt: skip


def test_a_bill_is_issued_by_hand_and_a_part_of_it_credited(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    assert "Amount in BDT" in browser.get(f"/customers/{ID}/bills/new").text
    script.says("POST", "/v1/bills", BILL, 201)
    done = browser.send(
        f"/customers/{ID}/bills/new", description="Router", amount="500", due_at="2026-12-31"
    )
    assert done.headers["Location"] == f"/bills/{JOB}"
    assert script.sent("POST", "/v1/bills") == [
        {"customer_id": ID, "due_at": "2027-01-01T00:00:00+06:00",
         "items": [{"description": "Router", "amount": {"amount": "500", "currency": "BDT"}}]}
    ]  # fmt: skip
    script.says("GET", f"/v1/bills/{JOB}", BILL)
    assert f'href="/bills/{JOB}/credit-note"' in browser.get(f"/bills/{JOB}").text
    script.says("POST", f"/v1/bills/{JOB}/credit-note", {}, 201)
    browser.send(f"/bills/{JOB}/credit-note", amount="", amount_currency="BDT", reason="broken")
    assert script.sent("POST", f"/v1/bills/{JOB}/credit-note") == [{"reason": "broken"}]


def test_a_bill_by_hand_gets_as_many_lines_as_are_asked_for(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    page = f"/customers/{ID}/bills/new"

    more = browser.send(page, description="Router", amount="500", due_at="2026-12-31", more="1")
    text = more.get_data(as_text=True)
    assert more.status_code == 200 and script.sent("POST", "/v1/bills") == []
    assert 'value="Router"' in text and 'value="500"' in text and 'value="2026-12-31"' in text
    assert text.count('name="description"') == 2 and 'value="key-of-the-form"' in text
    assert text.count("autofocus") == 1

    wrong = {
        "pointer": "/items/1/amount/amount",
        "code": "invalid",
        "detail": "send more than zero",
    }
    script.says("POST", "/v1/bills", {"title": "Not valid", "errors": [wrong]}, 422)
    typed = {"description": ["Router", "", "Cable"], "amount": ["500", "", "0"]}
    refused = browser.send(page, **typed)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422 and text.count('name="description"') == 2
    assert '<span class="fault" id="items.1.amount-fault">send more than zero</span>' in text

    script.says("POST", "/v1/bills", BILL, 201)
    browser.send(page, **typed | {"amount": ["500", "", "20"]})
    assert script.sent("POST", "/v1/bills")[-1]["items"] == [
        {"description": "Router", "amount": {"amount": "500", "currency": "BDT"}},
        {"description": "Cable", "amount": {"amount": "20", "currency": "BDT"}},
    ]
    browser.send(page, description="", amount="")
    assert script.sent("POST", "/v1/bills")[-1]["items"] == [{}], "the API says what is missing"


def test_a_credit_is_taken_back_once_and_a_proforma_billed_while_it_is_open(
    browser: Browser, script: Script
) -> None:
    credit = {"id": ID, "number": "CN-1", "kind": "credit_note", "customer_id": ID, "bill_id": JOB,
              "customer_name": "Rahima", "amount": TAKA, "reversed": TAKA}  # fmt: skip
    standing = credit | {"id": JOB, "reversed": TAKA | {"amount": "0.00"}}
    script.lists("/v1/credits", credit, standing)
    text = browser.get("/credits").text
    assert f"/credits/{JOB}/reverse" in text and f"/credits/{ID}/reverse" not in text
    script.says("GET", f"/v1/credits/{JOB}", standing)
    script.says("POST", f"/v1/credits/{JOB}/reverse", standing)
    browser.send(f"/credits/{JOB}/reverse", reason="typing error")
    assert script.sent("POST", f"/v1/credits/{JOB}/reverse") == [{"reason": "typing error"}]
    proforma = {"number": "PF-1", "customer_id": ID, "bill_id": None, "total": TAKA, "to_pay": TAKA}
    script.lists("/v1/proforma-bills", proforma | {"id": ID, "state": "open"},
                 proforma | {"id": JOB, "state": "lapsed"})  # fmt: skip
    text = browser.get("/proforma-bills").text
    assert f"/proforma-bills/{ID}/issue" in text and f"/proforma-bills/{JOB}/issue" not in text


def test_a_reseller_is_held_with_everybody_below_and_let_go(
    browser: Browser, script: Script
) -> None:
    place = f"/v1/operators/{ID}"
    script.says("GET", place, {"id": ID, "name": "North", "holds": ["reseller"]})
    assert "Hold everybody below North?" in browser.get(f"/operators/{ID}/holds/new").text
    assert script.sent("POST", f"{place}/holds") == []
    script.says("POST", f"{place}/holds", {})
    browser.send(f"/operators/{ID}/holds/new", kind="reseller", reason="unpaid")
    assert script.sent("POST", f"{place}/holds") == [{"kind": "reseller", "reason": "unpaid"}]
    browser.send(f"/operators/{ID}/holds/new", kind="admin", until="2099-01-01")
    (_, ending) = script.sent("POST", f"{place}/holds")
    assert ending["until"].startswith("2099-01-0"), "the day's end, in the zone of the pages"
    assert '<option value="reseller">' in browser.get(f"/operators/{ID}/holds/lift").text
    script.says("DELETE", f"{place}/holds/reseller", {})
    browser.send(f"/operators/{ID}/holds/lift", kind="reseller")
    assert len(script.sent("DELETE", f"{place}/holds/reseller")) == 1


def test_a_legal_hold_stands_on_the_profile_until_the_case_is_over(
    browser: Browser, script: Script
) -> None:
    place = f"/v1/customers/{ID}/legal-hold"
    script.says("POST", place, {}, 201)
    browser.send(f"/customers/{ID}/legal-hold", case="Court 7/2026", until="2026-12-31")
    assert script.sent("POST", place) == [
        {"case": "Court 7/2026", "until": "2027-01-01T00:00:00+06:00"}
    ]
    script.says("GET", f"/v1/customers/{ID}", PERSON | {"legal_hold": {"case": "Court 7/2026"}})
    assert "Court 7/2026" in browser.get(f"/customers/{ID}").text
    script.says("DELETE", place, {})
    browser.send(f"/customers/{ID}/legal-hold/lift")
    assert len(script.sent("DELETE", place)) == 1


def test_c46_a_service_line_is_opened_and_closed(browser: Browser, script: Script) -> None:
    place = f"/v1/customers/{ID}/accounts"
    script.says("POST", place, {}, 201)
    browser.send(f"/customers/{ID}/accounts/new", name="Shop", service_type="static")
    assert script.sent("POST", place) == [{"name": "Shop", "service_type": "static"}]
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    script.lists(place, {"id": JOB, "name": "Shop", "service_type": "static", "state": "open"})
    assert f"/customers/{ID}/accounts/{JOB}/close" in browser.get(f"/customers/{ID}").text
    script.says("DELETE", f"{place}/{JOB}", {})
    browser.send(f"/customers/{ID}/accounts/{JOB}/close")
    assert len(script.sent("DELETE", f"{place}/{JOB}")) == 1


def test_a_radius_server_is_registered_watched_and_removed(
    browser: Browser, script: Script
) -> None:
    script.says("POST", "/v1/targets", SERVER, 201)
    browser.send(
        "/network/targets/new", name="north", address="postgresql://h/d",
        **{"radius.address": "10.0.0.9", "radius.port": "", "radius.secret": "s3cret"},
    )  # fmt: skip
    place = f"/v1/targets/{ID}"
    script.says("GET", place, SERVER, ETag='"2"')
    assert 'value="10.0.0.9"' in browser.get(f"/network/targets/{ID}").text
    script.says("PATCH", place, SERVER)
    browser.send(f"/network/targets/{ID}", etag='"2"', **{"radius.address": ""})
    watched = {"address": "10.0.0.9", "secret": "s3cret"}
    assert [*script.sent("POST", "/v1/targets"), *script.sent("PATCH", place)] == [
        {"name": "north", "address": "postgresql://h/d", "radius": watched}, {"radius": None},
    ]  # fmt: skip
    wrong = {"pointer": "/radius/secret", "code": "invalid", "detail": "is needed"}
    script.refuses("PATCH", place, 422, "invalid", errors=[wrong])
    told = browser.send(f"/network/targets/{ID}", etag='"2"', **{"radius.address": "10.0.0.8"})
    assert 'id="radius.secret-fault">is needed' in told.text and 'value="10.0.0.8"' in told.text
    script.says("DELETE", place, None, 204)
    browser.send(f"/network/targets/{ID}/remove")
    assert len(script.sent("DELETE", place)) == 1


def test_a_saved_method_of_payment_is_forgotten(browser: Browser, script: Script) -> None:
    saved = {"id": ID, "customer_id": ID, "gateway": "bkash", "label": "017…", "state": "active"}
    script.lists("/v1/payment-methods", saved, saved | {"id": JOB, "state": "removed"})
    text = browser.get("/gateways/methods").text
    assert f"/gateways/methods/{ID}/forget" in text and f"{JOB}/forget" not in text
    script.says("GET", f"/v1/payment-methods/{ID}", saved, ETag='"3"')
    script.says("DELETE", f"/v1/payment-methods/{ID}", saved)
    browser.send(f"/gateways/methods/{ID}/forget")
    assert script.matches == ['"3"']
