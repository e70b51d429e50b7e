"""Steps of an operator in the console that several walks share."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until


def add_customer(page: Page, name: str, username: str) -> str:
    """The address of the new customer's profile."""
    page.goto("/customers/new")
    page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_label("Username").fill(username)
    page.get_by_role("button", name="Add customer").click()
    expect(page.get_by_role("status")).to_contain_text("is added")
    return page.url


def delete_customer(page: Page, profile: str) -> None:
    page.goto(profile)
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("Reason").select_option("operator_error")
    page.get_by_label("Note").fill("wrong one")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text("is deleted")


def find_deleted(page: Page, words: str) -> None:
    page.get_by_role("link", name="Deleted Customers").click()
    page.get_by_label("Search").fill(words)
    page.get_by_role("button", name="Apply Filters").click()
    # Whoever reloads before the filtered page has come loses the page and its filter.
    page.wait_for_url(re.compile("[?&]q="))


def job_that_ended(page: Page) -> Locator:
    """While it runs, its page reloads itself, and would take one back who has gone on."""
    return page.locator("#progress:not([data-live])")


def wait_for_the_books(page: Page) -> None:
    """Payments hears of a new customer within moments; until then the profile says so."""

    def known() -> bool:
        page.reload()
        return page.get_by_text("Outstanding").is_visible()

    until(known, PATIENCE, "payments did not hear of the customer", interval=0.2)


def paying_customer(site: Site, username: str) -> str:
    """A customer whom payments knows."""
    made = site.admin.create_customer(username, f"{username}-password")
    site.admin.wait_for_the_books(made["id"])
    return str(made["id"])
