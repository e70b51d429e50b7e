"""The rules of a site as pages: what each form sends, and that none forgets a field of its API."""

from __future__ import annotations

from typing import Any

import pytest

from console.pages import classes, dunning, site
from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script
from tests.console.test_pages import ID
from tests.console.test_promised import contract

POLICY = {"class_id": None, "grace_days": 0, "remind_days": [-3, 7], "promise_days": 7,
          "promises_a_quarter": 2}  # fmt: skip
CALENDAR = {"weekend": [5, 6], "time_zone": "Asia/Dhaka",
            "holidays": [{"day": "2026-12-16", "name": "Victory Day"}]}  # fmt: skip
PATTERNS = {"operator_id": ID, "operator_name": "North", "receipt": None, "bill": "NB-{number}",
            "proforma": None, "credit": None,
            "in_force": dict.fromkeys(("receipt", "bill", "proforma", "credit"), "X-{number}")}  # fmt: skip


# Taken, and refused unless it is what TENURE_TIME_ZONE says: nothing to choose.
NO_CHOICE = {"time_zone"}


@pytest.mark.parametrize(
    ("service", "schema", "fields"),
    [
        ("customers", "NewClass", (classes.NAME, *classes.RULES)),
        ("customers", "SiteChanges", site.RULES),
        ("payments", "PolicyRequest", dunning.POLICY),
    ],
)
def test_a_form_has_every_field_that_its_api_takes(
    service: str, schema: str, fields: tuple[Any, ...]
) -> None:
    asked = contract(service)["components"]["schemas"][schema]["properties"]
    assert {field.name for field in fields} == set(asked) - NO_CHOICE


def test_a_class_is_added_with_all_its_rules_filled_in(browser: Browser, script: Script) -> None:
    text = browser.get("/customer-classes/new").get_data(as_text=True)
    assert 'value="walled" selected' in text and 'value="512"' in text
    script.says("POST", "/v1/customer-classes", {"id": ID}, 201)
    browser.send("/customer-classes/new", name="Shops", suspended_access="blocked", retry_limit="5")
    (sent,) = script.sent("POST", "/v1/customer-classes")
    assert (sent["name"], sent["suspended_access"], sent["retry_limit"]) == ("Shops", "blocked", 5)
    assert sent["renews"] is False, "a switch that is not ticked is off"


def test_the_reminders_of_a_policy_are_days_with_commas(browser: Browser, script: Script) -> None:
    script.lists("/v1/customer-classes", {"id": ID, "name": "Shops"})
    script.lists("/v1/dunning-policies", POLICY, POLICY | {"class_id": ID})
    text = browser.get("/dunning/policies").get_data(as_text=True)
    assert "Everybody" in text and "Shops" in text and f'href="/dunning/policies/{ID}"' in text
    place = f"/v1/dunning-policies/{ID}"
    script.says("GET", place, POLICY | {"class_id": ID}, ETag='"2"')
    form = browser.get(f"/dunning/policies/{ID}").get_data(as_text=True)
    assert "Dunning of Shops" in form and 'value="-3, 7"' in form
    script.says("PUT", place, POLICY)
    numbers = {"grace_days": "3", "promise_days": "0", "promises_a_quarter": "0"}
    for days in ("-5,0, 9", ""):
        browser.send(f"/dunning/policies/{ID}", etag='"2"', remind_days=days, **numbers)
    assert [sent["remind_days"] for sent in script.sent("PUT", place)] == [[-5, 0, 9], []]
    wrong = browser.send(f"/dunning/policies/{ID}", etag='"2"', remind_days="3 soon", **numbers)
    assert wrong.status_code == 422 and "“soon” is no day" in wrong.text
    assert '<a href="#remind_days">Reminded on days</a>' in wrong.text


def test_days_without_cut_off_are_a_line_each(browser: Browser, script: Script) -> None:
    script.says("GET", "/v1/holidays", CALENDAR, ETag='"3"')
    text = browser.get("/dunning/days-off").get_data(as_text=True)
    assert "Friday, Saturday" in text and "Victory Day" in text
    form = browser.get("/dunning/days-off/edit").get_data(as_text=True)
    assert ">2026-12-16 Victory Day</textarea>" in form and 'value="5" checked' in form
    wrong = browser.send("/dunning/days-off/edit", etag='"3"', holidays="2027-02-21 Day\nsoon Eid")
    told = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "Line 2: begin with the day" in told and "soon Eid" in told
    script.says("PUT", "/v1/holidays", CALENDAR)
    lines = "2027-02-21 Language Day\r\n\r\n2027-03-26 Independence Day"
    browser.send("/dunning/days-off/edit", etag='"3"', weekend=["5"], holidays=lines)
    assert script.sent("PUT", "/v1/holidays") == [
        {"weekend": [5], "holidays": [{"day": "2027-02-21", "name": "Language Day"},
                                      {"day": "2027-03-26", "name": "Independence Day"}]}
    ]  # fmt: skip


def test_e28_an_operators_own_numbers_are_set_and_taken_back(
    browser: Browser, script: Script
) -> None:
    script.says("GET", f"/v1/number-patterns/{ID}", PATTERNS, ETag='"0"')
    form = browser.get(f"/numbering/{ID}").get_data(as_text=True)
    assert "Numbers of North" in form and "In force: X-{number}" in form
    script.says("PUT", f"/v1/number-patterns/{ID}", PATTERNS)
    browser.send(f"/numbering/{ID}", etag='"0"', receipt="N-{number}", bill="")
    assert script.sent("PUT", f"/v1/number-patterns/{ID}") == [{"receipt": "N-{number}"}]


def test_a_cause_of_the_walled_garden_gets_a_pool_and_loses_it(
    browser: Browser, script: Script
) -> None:
    script.says("GET", "/v1/walled-garden", {"causes": [{"reason": "overdue", "pool": None}]})
    text = browser.get("/network/walled-garden").get_data(as_text=True)
    assert "Overdue bill" in text and "the NAS&#39;s own" in text
    place = "/v1/walled-garden/overdue"
    script.says("GET", place, {"reason": "overdue", "pool": "pay"}, ETag='"1"')
    script.says("PUT", place, {"reason": "overdue", "pool": None})
    for pool in ("pay-first", ""):
        browser.send("/network/walled-garden/overdue", etag='"1"', pool=pool)
    assert script.sent("PUT", place) == [{"pool": "pay-first"}, {"pool": None}]


def test_e20_a_file_of_every_week_is_planned_and_ended(browser: Browser, script: Script) -> None:
    script.says("POST", "/v1/export-schedules", {"id": ID}, 201)
    wish = {"resource": "bills", "every": "week", "format": "xlsx"}
    odd = browser.send("/exports/schedules/new", **wish, method="cash")
    assert odd.status_code == 422 and "Only for payments" in odd.get_data(as_text=True)
    browser.send("/exports/schedules/new", **wish, bill_status="overdue", columns="number, total")
    assert script.sent("POST", "/v1/export-schedules") == [
        {**wish, "columns": ["number", "total"], "filter": {"status": "overdue"}}
    ]
    place = f"/v1/export-schedules/{ID}"
    script.says("GET", place, wish, ETag='"1"')
    script.says("DELETE", place, wish)
    assert "no more files of bills" in browser.get(f"/exports/schedules/{ID}/remove").text
    browser.send(f"/exports/schedules/{ID}/remove")
    assert len(script.sent("DELETE", place)) == 1


def test_a_planned_file_is_edited_and_keeps_what_the_form_does_not_ask(
    browser: Browser, script: Script
) -> None:
    place, page = f"/v1/export-schedules/{ID}", f"/exports/schedules/{ID}"
    there = {"resource": "collections", "every": "day", "format": "csv", "columns": ["day", "net"],
             "filter": {"method": "cash", "operator_id": ID}}  # fmt: skip
    script.says("GET", place, there, ETag='"3"')
    text = browser.get(page).get_data(as_text=True)
    assert "Files of collections" in text and 'value="day net"' in text
    assert '<option value="cash" selected>' in text and "bill_status" not in text
    script.says("PATCH", place, there)

    browser.send(page, etag='"3"', every="week", format="xlsx", method="", columns="")

    assert script.sent("PATCH", place) == [
        {"every": "week", "format": "xlsx", "columns": None, "filter": {"operator_id": ID}}
    ]
    script.lists("/v1/export-schedules", there | {"id": ID})
    assert f'href="{page}"' in browser.get("/exports/schedules").get_data(as_text=True)


def test_the_menu_offers_a_page_of_rules_to_who_may_change_them(
    stranger: Browser, script: Script
) -> None:
    entries = {"/settings": "settings.write", "/numbering": "number_patterns.write",
               "/customers/imports": "imports.write", "/customer-classes": "packages.read",
               "/network/walled-garden": "walled_garden.read", "/exports": "exports.write"}  # fmt: skip
    for address, needed in entries.items():
        script.says("GET", "/v1/me", OPERATOR | {"permissions": ["customers.read", needed]})
        stranger.sign_in()
        menu = stranger.get("/customers").text
        assert [each for each in entries if f'<a href="{each}"' in menu] == [address]


def test_how_a_customer_was_is_asked_in_the_isps_time(browser: Browser, script: Script) -> None:
    place = f"/v1/customers/{ID}/as-of"
    assert script.sent("GET", place) == []
    hold = {"kind": "vacation", "reason": "sea", "since": "2026-10-01T00:00:00+00:00",
            "until": None, "actor": "north"}  # fmt: skip
    script.says("GET", place, {"deleted": False, "status": "vacation", "holds": [hold],
                               "profile": {"name": "Rahim of then", "phone": None}})  # fmt: skip
    text = browser.get(f"/customers/{ID}/as-of?at=2026-10-05T12:00").text
    assert "Rahim of then as it was" in text and "sea" in text
    assert script.sent("GET", place) == [{"at": "2026-10-05T12:00:00+06:00"}]
    script.refuses("GET", place, 404, "not-found")
    early = browser.get(f"/customers/{ID}/as-of?at=2019-10-05T12:00")
    assert "Take a later one" in early.text and 'value="2019-10-05T12:00"' in early.text
