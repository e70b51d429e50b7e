"""Tables as an operator wants them, and work that waits for a person, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.flows.chromium import opened, sign_in
from tests.flows.site import Site


def heads(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "th[data-column]", "all => all.map(each => each.dataset.column)"
    )
    return found


def test_c49_to_c55_columns_are_chosen_dragged_sized_and_kept_as_a_view(
    chromium: Browser, site: Site
) -> None:
    site.admin.create_operator("table.keeper")
    with opened(chromium, site.urls["console"]) as page:
        sign_in(page, "table.keeper", "table.keeper-password")
        page.get_by_text("Settings", exact=True).click()
        for column in ("Status", "Currency", "Balance", "Credit limit", "Available funds"):
            page.get_by_role("checkbox", name=column, exact=True).uncheck()
        page.get_by_role("checkbox", name="Phone", exact=True).check()
        page.get_by_label("Rows", exact=True).select_option("striped")
        page.get_by_role("button", name="Keep for this table").click()
        expect(page.locator("table.striped")).to_be_visible()
        assert heads(page) == ["name", "package_name", "balance_control", "phone"]

        page.drag_and_drop("th[data-column=phone]", "th[data-column=package_name]")
        expect(page.locator("th[data-column=name] + th")).to_have_attribute("data-column", "phone")
        assert heads(page) == ["name", "phone", "package_name", "balance_control"]

        page.get_by_role("button", name="100", exact=True).click()
        expect(page.locator(".sizes [aria-current]")).to_have_text("100")
        page.get_by_role("link", name="Customer Payments").click()
        expect(page.locator(".sizes [aria-current]")).to_have_text("100")

        page.goto("/customers?status=blocked")
        page.get_by_text("Views", exact=True).click()
        page.get_by_label("Save what is shown now as").fill("Blocked ones")
        page.get_by_role("button", name="Save the view").click()
        page.wait_for_url(re.compile("view="))
        page.get_by_text("Settings", exact=True).click()
        page.get_by_role("button", name="As it was").click()
        expect(page.locator("th[data-column=currency]")).to_be_visible()
        page.get_by_role("link", name="Blocked ones").click()
        expect(page.get_by_role("combobox", name="Status")).to_have_value("blocked")
        expect(page.locator("th[data-column=currency]")).to_have_count(0)
        assert heads(page) == ["name", "phone", "package_name", "balance_control"]


def test_cash_that_waits_for_its_second_signature_needs_attention_until_it_is_accepted(
    chromium: Browser, site: Site
) -> None:
    reseller = site.admin.create_operator("till.keeper")
    payer = reseller.create_customer("till.payer", "till-password")["id"]
    reseller.wait_for_the_books(payer)
    reseller.record_payment(payer, "345.00")
    with opened(chromium, site.urls["console"]) as own:
        sign_in(own, "till.keeper", "till.keeper-password")
        own.goto("/cash/hand-overs/new")
        own.get_by_label("Amount").fill("345.00")
        own.get_by_role("button", name="Hand it over").click()
        expect(own.get_by_role("status")).to_contain_text("second signature")
        expect(own.get_by_role("button", name="Accept")).to_have_count(0)
    with opened(chromium, site.urls["console"]) as page:
        sign_in(page)
        page.get_by_role("link", name="Attention").click()
        waiting = page.locator(".findings li", has_text="of cash wait")
        waiting.get_by_role("link", name="Cash").click()
        row = page.locator("tbody tr", has_text="345.00 BDT")
        row.get_by_role("button", name="Accept").click()
        expect(page.get_by_role("status")).to_contain_text("the cash is yours")
        expect(row).to_contain_text("Accepted")
        page.get_by_role("link", name="Attention").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
        expect(waiting).to_have_count(0)
