"""Lists: what is asked of the API, pages forth and back, sorting, and how values are shown."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from console.formatting import STATUSES, money, time_element, words
from tests.console.conftest import Browser
from tests.console.scripted_services import Script


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


def test_c54_a_list_asks_for_no_size_and_so_gets_twenty_five(
    browser: Browser, script: Script
) -> None:
    browser.get("/customers")
    assert script.sent("GET", "/v1/customers")[-1] == {"include": "total"}


def test_c53_the_number_of_results_goes_to_the_api(browser: Browser, script: Script) -> None:
    browser.get("/customers?limit=100")
    assert script.sent("GET", "/v1/customers")[-1]["limit"] == "100"


def test_pages_go_forth_and_back_with_all_filters_kept(browser: Browser, script: Script) -> None:
    here, seen = "/customers?q=rah&status=blocked&sort=-name", []
    for cursor in ("two", "three", None):
        script.says("GET", "/v1/customers", {"items": [], "next_cursor": cursor})
        page = browser.get(here).get_data(as_text=True)
        seen.append(here)
        here = link(page, "next") or here
    assert link(page, "next") is None
    asked = script.sent("GET", "/v1/customers")
    assert [query.get("cursor") for query in asked[-3:]] == [None, "two", "three"]
    assert all(
        (query["q"], query["status"], query["sort"]) == ("rah", "blocked", "-name")
        for query in asked[-3:]
    )
    for expected in ("two", None):
        page = browser.get(link(page, "prev") or "").get_data(as_text=True)
        assert script.sent("GET", "/v1/customers")[-1].get("cursor") == expected
    assert link(page, "prev") is None


def test_the_way_back_stays_short_however_far_one_goes(browser: Browser, script: Script) -> None:
    here = "/customers"
    for number in range(40):
        script.says("GET", "/v1/customers", {"items": [], "next_cursor": f"{number:0>100}"})
        here = link(browser.get(here).get_data(as_text=True), "next") or ""
    assert len(here) < 2000


def test_c52_the_arrow_beside_a_header_sorts_and_sorts_in_reverse(browser: Browser) -> None:
    page = browser.get("/customers").get_data(as_text=True)
    assert re.search(r'aria-sort="none">\s*<a href="/customers\?sort=name">', page)
    page = browser.get("/customers?sort=name").get_data(as_text=True)
    assert re.search(r'aria-sort="ascending">\s*<a href="/customers\?sort=-name">', page)


def test_c2_active_customers_have_no_icon_and_all_others_have_one() -> None:
    assert [name for name, status in STATUSES.items() if not status.icon] == ["active"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"amount": "1500.00", "currency": "BDT"}, "1,500.00 BDT"),
        ({"amount": "-0.500", "currency": "KWD"}, "-0.500 KWD"),
        ({"amount": "99999999999.99", "currency": "BDT"}, "99,999,999,999.99 BDT"),
        (None, "–"),
        ("12.5", "12.5"),
    ],
)
def test_money_is_shown_to_the_last_digit(value: object, shown: str) -> None:
    assert money(value) == shown


def test_times_are_shown_in_the_isps_zone_and_kept_exact_for_machines() -> None:
    shown = str(time_element("2026-11-20T20:30:15+00:00", ZoneInfo("Asia/Dhaka")))
    assert "21 Nov 2026, 02:30</time>" in shown
    assert 'datetime="2026-11-21T02:30:15+06:00"' in shown
    assert time_element("<b>", ZoneInfo("UTC")) == "<b>"


def test_e8_methods_have_their_own_names() -> None:
    assert [words(name) for name in ("bkash", "sslcommerz", "recharge_card")] == [
        "bKash", "SSL Commerz", "Recharge Card"
    ]  # fmt: skip
