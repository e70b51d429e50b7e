"""The path through the console as an operator walks it, in a real browser over real services."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.flows.chromium import opened, sign_in
from tests.flows.console_steps import (
    add_customer,
    delete_customer,
    find_deleted,
    job_that_ended,
    paying_customer,
    wait_for_the_books,
)
from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until

HOSTILE = '<script>alert("name")</script><img src=x onerror=alert(1)> Rahman'


def test_a_customer_is_added_paid_for_deleted_found_and_restored(page: Page) -> None:
    """E28–E33, D1–D5, A24–A31 and B29 in one walk; the name tries to run a script."""
    profile = add_customer(page, HOSTILE, "walker")
    expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)

    wait_for_the_books(page)
    page.get_by_role("link", name="Add Payment").click()
    page.get_by_label("Amount").fill("512.50")
    page.get_by_label("Payment method").select_option("cash")
    page.get_by_label("Note").fill("at the counter")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customer Payments")
    first = page.locator("tbody tr").first
    for shown in (HOSTILE, "walker", "512.50 BDT", "Cash", "at the counter"):
        expect(first).to_contain_text(shown)

    delete_customer(page, profile)
    page.get_by_label("Search").fill("walker")
    page.get_by_role("button", name="Apply Filters").click()
    expect(page.locator("tbody")).to_contain_text("Nothing fits what you asked for.")

    find_deleted(page, "walker")
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(HOSTILE)
    row.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("status")).to_contain_text("integrity checks passed")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inactive")
    assert page.url == profile
    expect(page.get_by_text("512.50 BDT").first).to_be_visible()


def test_a29_a_package_is_assigned_and_renewed(page: Page, site: Site) -> None:
    site.admin.create_package("Walk 10")
    add_customer(page, "Farida Khatun", "farida.k")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inactive")
    page.get_by_role("combobox", name="Package").select_option(label="Walk 10")
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("Activated and renewed")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Inactive")


def test_a_hold_is_set_explained_and_lifted(page: Page) -> None:
    add_customer(page, "Jamal Uddin", "jamal.u")
    page.get_by_text("Set a hold", exact=True).click()
    page.get_by_label("Kind").select_option("admin")
    page.get_by_label("Reason").first.fill("asked by the office")
    page.get_by_role("button", name="Set the hold").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Blocked")
    expect(page.locator(".reasons")).to_contain_text("Lift the hold under Holds.")
    page.get_by_role("button", name="Lift", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Blocked")


def test_b13_a_taken_login_comes_back_as_a_form_with_a_free_one_filled_in(page: Page) -> None:
    profile = add_customer(page, "First Owner", "wanted.login")
    delete_customer(page, profile)
    add_customer(page, "Second Owner", "wanted.login")
    find_deleted(page, "First Owner")
    page.locator("tbody tr").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("alert")).to_contain_text("used by another customer or lead")
    field = page.get_by_label("Username")
    free = field.input_value()
    assert free.startswith("wanted.login") and free != "wanted.login"
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("status")).to_contain_text("First Owner is restored")
    expect(page.locator(".facts").first).to_contain_text(free)


def test_d2_several_are_ticked_deleted_and_d18_undeleted(page: Page) -> None:
    for number in (1, 2):
        add_customer(page, f"Ticked {number}", f"ticked{number}")
    page.goto("/customers?q=ticked")
    delete = page.get_by_role("button", name="Delete")
    expect(delete).to_be_disabled()
    page.get_by_label("Select all on this page").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    delete.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 2 customers?")
    page.get_by_label("Reason").select_option("test_account")
    page.get_by_role("button", name="Delete").click()
    expect(job_that_ended(page)).to_contain_text("2 of 2 done")
    page.goto("/deleted-customers?q=ticked")
    for box in page.get_by_role("checkbox", name=re.compile("^Select Ticked")).all():
        box.check()
    page.locator("#ticked").get_by_role("button", name="Restore").click()
    expect(job_that_ended(page)).to_contain_text("2 of 2 done")
    page.goto("/customers?q=ticked")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_d16_a_deleted_record_is_corrected(page: Page) -> None:
    profile = add_customer(page, "Mispelt Name", "mispelt")
    delete_customer(page, profile)
    find_deleted(page, "mispelt")
    page.get_by_role("link", name="Mispelt Name").click()
    page.get_by_label("Name", exact=False).first.fill("Misspelt Name")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Misspelt Name")
    page.get_by_role("link", name="Operations", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("Mispelt Name")


def test_e13_to_e23_the_filtered_payments_come_as_a_file(
    page: Page, site: Site, tmp_path: Path
) -> None:
    payer = paying_customer(site, "wired.payer")
    site.admin.record_payment(payer, "33.33")
    for amount in ("11.11", "22.22"):
        page.goto(f"/customers/{payer}/payments/new")
        page.get_by_label("Amount").fill(amount)
        page.get_by_label("Payment method").select_option("bank_transfer")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/payments")
    page.get_by_role("combobox", name="Payment method").select_option("bank_transfer")
    page.get_by_role("button", name="Apply Filters").click()
    ours = page.locator("tbody tr", has_text="wired.payer")
    expect(ours).to_have_count(2)
    expect(page.get_by_label("Totals by method")).to_contain_text("Bank transfer")
    page.get_by_role("button", name="Export to CSV").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    file = tmp_path / "payments.csv"
    download.value.save_as(file)
    head, *lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert len([line for line in lines if "wired.payer" in line]) == 2
    assert all("bank_transfer" in line for line in lines)
    for column in ("Customer Name", "Username", "Amount", "Payment Method", "Date & Time",
                   "Operator", "Transaction Reference", "Note"):  # fmt: skip
        assert column in head


def test_an_amount_that_is_none_is_refused_beside_its_field(page: Page, site: Site) -> None:
    paying_customer(site, "odd.amount")
    page.goto("/customers?q=odd.amount")
    page.get_by_role("link", name=re.compile("^Take a payment from")).first.click()
    page.get_by_label("Amount").fill("1.005")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    field = page.get_by_label("Amount")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("1.005")


def test_the_same_payment_twice_is_asked_about_and_then_recorded(page: Page, site: Site) -> None:
    payer = paying_customer(site, "twice.paid")

    def pay() -> None:
        page.goto(f"/customers/{payer}/payments/new")
        page.get_by_label("Amount").fill("77.77")
        page.get_by_role("button", name="Save").click()

    pay()
    page.wait_for_url("**/payments")
    pay()
    page.get_by_label("Why this is another payment").fill("paid for two months")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customer Payments")
    expect(page.locator("tbody tr", has_text="77.77 BDT")).to_have_count(2)


def test_a_reseller_sees_the_own_branch_only(chromium: Browser, site: Site, page: Page) -> None:
    reseller = site.admin.create_operator("walkreseller")
    reseller.create_customer("branch.own", "own-password")
    profile = add_customer(page, "Branch Root", "branch.root")
    page.goto("/customers?q=branch.")
    expect(page.locator("tbody tr")).to_have_count(2)
    with opened(chromium, site.urls["console"]) as own:
        sign_in(own, "walkreseller", "walkreseller-password")
        own.goto("/customers?q=branch.")
        expect(own.locator("tbody tr")).to_have_count(1)
        expect(own.get_by_role("link", name="Dead letters")).to_have_count(0)
        answer = own.goto(profile)
        assert answer is not None and answer.status == 404


def test_all_of_it_works_without_javascript(chromium: Browser, site: Site) -> None:
    with opened(chromium, site.urls["console"], java_script_enabled=False) as page:
        sign_in(page)
        add_customer(page, "Plain Page", "plain.page")
        page.goto("/customers?q=plain.page")
        page.get_by_role("checkbox", name="Select Plain Page").check()
        page.get_by_role("button", name="Delete").click()
        page.get_by_label("Reason").select_option("test_account")
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Delete customers")
        find_deleted(page, "plain.page")
        until(
            lambda: page.reload() and page.locator("tbody tr", has_text="Plain Page").count(),
            PATIENCE, "the job did not delete", interval=0.2,
        )  # fmt: skip


def test_a_click_after_signing_out_elsewhere_leads_through_sign_in_and_back(
    chromium: Browser, site: Site
) -> None:
    with opened(chromium, site.urls["console"]) as page:
        sign_in(page)
        other = page.context.new_page()
        other.goto("/payments")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in")
        other.get_by_role("link", name="Customer Bills").click()
        other.get_by_label("Username").fill("admin")
        other.get_by_label("Password").fill("admin-demo")
        other.get_by_role("button", name="Sign in").click()
        expect(other.get_by_role("heading", level=1)).to_have_text("Customer Bills")
