"""Tables as each operator has them: columns, order, sort, row style, rows per page, saved views."""

from __future__ import annotations

import re

from tests.console.conftest import Browser
from tests.console.scripted_services import OPERATOR, Script
from tests.console.test_pages import PERSON

VIEW = "01990000-0000-7000-8000-0000000000cc"


def prefers(script: Script, table: str = "customers", **set_: object) -> None:
    body = {"table": table, "columns": None, "sort": None, "row_style": "comfortable",
            "page_size": 25} | set_  # fmt: skip
    script.says("GET", f"/v1/preferences/{table}", body, ETag='"3"')
    script.says("PUT", f"/v1/preferences/{table}", body)
    script.lists("/v1/views")


def heads(text: str) -> list[str]:
    return re.findall(r'<th scope="col" data-column="(\w+)"', text)


def test_c49_to_c51_the_chosen_columns_stand_in_the_chosen_order(
    browser: Browser, script: Script
) -> None:
    prefers(script, columns=["phone", "name", "of_yesterday"], row_style="compact")
    script.lists("/v1/customers", PERSON | {"phone": "+8801711000001"})
    text = browser.get("/customers").get_data(as_text=True)
    assert heads(text) == ["phone", "name"] and "+8801711000001" in text
    assert 'id="table-customers" class="compact"' in text


def test_c52_the_preferred_sort_is_asked_for_until_a_header_is_clicked(
    browser: Browser, script: Script
) -> None:
    prefers(script, sort="-name")
    text = browser.get("/customers").get_data(as_text=True)
    assert script.sent("GET", "/v1/customers")[-1]["sort"] == "-name"
    assert 'aria-sort="descending"' in text
    browser.get("/customers?sort=name")
    assert script.sent("GET", "/v1/customers")[-1]["sort"] == "name"


def test_a_preferred_sort_that_the_list_does_not_have_refuses_no_list(
    browser: Browser, script: Script
) -> None:
    prefers(script, sort="colour")
    browser.get("/customers")
    assert "sort" not in script.sent("GET", "/v1/customers")[-1]


def test_c53_to_c55_the_number_of_results_is_saved_and_asked_for_everywhere(
    browser: Browser, script: Script
) -> None:
    prefers(script, columns=["name"], page_size=50)
    prefers(script, "bills", page_size=50)
    script.lists("/v1/bills")
    text = browser.get("/customers?status=blocked").get_data(as_text=True)
    assert re.search(r'value="50" aria-current="true">50<', text)
    browser.get("/bills")
    assert script.sent("GET", "/v1/bills")[-1]["limit"] == "50"
    back = {"Referer": "http://localhost/customers?status=blocked&cursor=two&back="}
    done = browser.post(
        "/tables/customers/page-size",
        data={"csrf": browser.csrf, "page_size": "100"},
        headers=back,
    )
    assert done.headers["Location"] == "/customers?status=blocked"
    assert script.sent("PUT", "/v1/preferences/customers") == [
        {"columns": ["name"], "sort": None, "row_style": "comfortable", "page_size": 100}
    ]


def test_the_settings_keep_the_ticked_columns_by_their_numbers(
    browser: Browser, script: Script
) -> None:
    prefers(script)
    browser.get("/customers")
    places = {"place-name": "2", "place-phone": "1", "place-status": "3"}
    browser.send(
        "/tables/customers", column=["name", "phone"], sort="-name", row_style="striped", **places
    )
    browser.send("/tables/customers", column=["name"], reset="1")
    assert script.sent("PUT", "/v1/preferences/customers") == [
        {"columns": ["phone", "name"], "sort": "-name", "row_style": "striped"},
        {"columns": None, "sort": None, "row_style": "comfortable"},
    ]


def test_c1_a_saved_view_filters_and_shows_as_it_was_saved(
    browser: Browser, script: Script
) -> None:
    prefers(script)
    view = {"id": VIEW, "name": "Owing", "table": "customers", "columns": ["name", "balance"],
            "sort": "-name", "row_style": "striped", "filter": {"status": "suspended", "gone": "x"},
            "shared": True, "operator_id": OPERATOR["id"]}  # fmt: skip
    script.lists("/v1/views", view)
    text = browser.get("/customers").get_data(as_text=True)
    assert f'href="/customers?status=suspended&amp;view={VIEW}"' in text
    shown = browser.get(f"/customers?status=suspended&view={VIEW}").get_data(as_text=True)
    assert heads(shown) == ["name", "balance"] and 'class="striped"' in shown
    asked = script.sent("GET", "/v1/customers")[-1]
    assert (asked["status"], asked["sort"]) == ("suspended", "-name")


def test_a_view_is_saved_with_what_the_address_filters_by(browser: Browser, script: Script) -> None:
    prefers(script)
    script.says("POST", "/v1/views", {"id": VIEW, "name": "Owing"}, 201)
    browser.get("/customers")
    done = browser.post(
        "/tables/customers/views",
        data={"csrf": browser.csrf, "key": "k", "name": "Owing", "shared": "1", "sort": "-name",
              "column": ["name", "balance"], "row_style": "compact"},
        headers={"Referer": "http://localhost/customers?status=suspended&q=rah&cursor=two&limit=9"},
    )  # fmt: skip
    assert done.headers["Location"] == f"/customers?status=suspended&q=rah&view={VIEW}"
    assert script.sent("POST", "/v1/views") == [
        {"table": "customers", "name": "Owing", "shared": True, "columns": ["name", "balance"],
         "sort": "-name", "row_style": "compact", "filter": {"status": "suspended", "q": "rah"}}
    ]  # fmt: skip


def test_a_list_comes_as_it_is_by_itself_where_preferences_cannot_be_read(
    browser: Browser, script: Script
) -> None:
    script.says("GET", "/v1/preferences/bills", "gateway away", 502)
    script.lists("/v1/bills")
    text = browser.get("/bills").get_data(as_text=True)
    assert heads(text) == ["number", "customer_name", "total", "paid", "due_at", "status"]
    assert "limit" not in script.sent("GET", "/v1/bills")[-1]
