"""Where the seed documents say things stand in the pages, one test each."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from tests.console.conftest import Browser
from tests.console.scripted_services import Script
from tests.console.test_pages import DELETED, ID, PERSON


def _menu(text: str) -> dict[str, list[str]]:
    """The entries under each heading of the side menu."""
    menu = re.search(r'<nav [^>]*aria-label="Main">.*?</nav>', text, re.S)
    assert menu is not None
    found: dict[str, list[str]] = {}
    for heading, entries in re.findall(r"<h2>(.*?)</h2>\s*<ul>(.*?)</ul>", menu[0], re.S):
        found[heading] = re.findall(r'<a href="([^"]+)"[^>]*>', entries)
    return found


def test_deleted_customers_stand_under_customers_in_the_side_menu_a6(
    browser: Browser, script: Script
) -> None:
    text = browser.get("/customers").get_data(as_text=True)
    assert "/deleted-customers" in _menu(text)["Customers"]
    assert ">Deleted Customers</a>" in text


def test_restoring_has_a_page_of_its_own_with_a_field_to_search_in(
    browser: Browser, script: Script
) -> None:
    """Seeds B7, B8: what is typed goes to the search of the deleted."""
    script.lists("/v1/deleted-customers", DELETED)
    text = browser.get("/deleted-customers").get_data(as_text=True)
    assert re.search(r'<input[^>]*name="q"', text)
    browser.get("/deleted-customers?q=01711+123456")
    assert script.sent("GET", "/v1/deleted-customers")[-1]["q"] == "01711 123456"


def test_every_row_found_has_a_button_that_restores_it(browser: Browser, script: Script) -> None:
    """Seed B9."""
    script.lists("/v1/deleted-customers", DELETED)
    text = browser.get("/deleted-customers").get_data(as_text=True)
    assert f'action="/deleted-customers/{ID}/restore"' in text
    assert 'aria-label="Restore Rahima Begum"' in text


def test_the_list_prints_without_what_is_no_list(app: Flask, browser: Browser) -> None:
    """Seed B23: the style sheet takes menu, filters and buttons off the paper."""
    client: FlaskClient = app.test_client()
    page = browser.get("/deleted-customers").get_data(as_text=True)
    found = re.search(r'href="(/static/[^"]*console[^"]*\.css[^"]*)"', page)
    assert found is not None
    with client.get(found[1]) as sent:
        style = sent.get_data(as_text=True)
    printed = re.search(r"@media print \{([^}]*)\{ display: none; \}", style)
    assert printed is not None
    assert {".side", ".filters", ".bulk", ".pager"} <= set(re.findall(r"\.\w+", printed[1]))


def test_a_customers_name_leads_to_the_page_that_edits_c56(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/customers", PERSON)
    text = browser.get("/customers").get_data(as_text=True)
    assert re.search(rf'<a href="/customers/{ID}"[^>]*>\s*Rahima Begum', text)
    script.says("GET", f"/v1/customers/{ID}", PERSON)
    profile = browser.get(f"/customers/{ID}").get_data(as_text=True)
    assert f'href="/customers/{ID}/edit"' in profile


def test_the_deleted_are_managed_in_the_customers_menu_d17(
    browser: Browser, script: Script
) -> None:
    script.lists("/v1/deleted-customers", DELETED)
    text = browser.get("/deleted-customers").get_data(as_text=True)
    assert "/deleted-customers" in _menu(text)["Customers"]
    assert f'href="/deleted-customers/{ID}"' in text


def test_payments_stand_under_accounts_and_bills_apart_from_them_e3(
    browser: Browser, script: Script
) -> None:
    """E3: Accounts > Customer Payments; E25: Bills & Payments > Customer Bills."""
    menu = _menu(browser.get("/customers").get_data(as_text=True))
    assert menu["Accounts"] == ["/payments"]
    assert menu["Bills &amp; Payments"] == ["/bills"]
