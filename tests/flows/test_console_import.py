"""Customers from a file and rules of a site, as an operator goes about them, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from console.uploads import MOST_FILE
from tests.flows.console_steps import job_that_ended

FILE = (
    "Kunde,Anmeldename,Mobile,Hund\n"
    "Nasreen Akter,import.nasreen,01711-223344,Rex\n"
    "Abdul Karim,import karim,12,\n"
    "Shahida Begum,import.shahida,,Bello\n"
)  # fmt: skip


def test_a_file_is_mapped_tried_taken_and_its_refused_rows_come_back(
    page: Page, tmp_path: Path
) -> None:
    """The file stays chosen through a refusal; nobody is added before the click that says so."""
    (file := tmp_path / "new.csv").write_text(FILE, encoding="utf-8")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="Import customers").click()
    (large := tmp_path / "large.csv").write_bytes(bytes(MOST_FILE + 1))
    page.set_input_files("#file", large)
    expect(page.get_by_role("alert")).to_contain_text("send it in parts")
    page.set_input_files("#file", file)
    expect(page.get_by_label("Mobile")).to_have_value("phone")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("alert")).to_contain_text("no column for name, username")
    page.get_by_label("Kunde").select_option("name")
    page.get_by_label("Anmeldename").select_option("username")
    page.get_by_role("button", name="Try it").click()
    expect(job_that_ended(page)).to_contain_text("2 of 3 rows are right")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Phone: has too many or too few digits")
    with page.expect_download() as download:
        page.get_by_role("link", name="Fetch the refused rows").click()
    assert "import karim" in Path(download.value.path()).read_text(encoding="utf-8-sig")

    page.get_by_role("button", name="Add 2 customers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Import of customers")
    expect(job_that_ended(page)).to_contain_text("3 of 3 done, 1 failed")
    page.goto("/customers?q=import.")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_two_people_change_the_same_class_and_the_later_one_is_told(page: Page) -> None:
    page.goto("/customer-classes/new")
    page.get_by_label("Name").fill("Contested")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Edit Contested").click()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Days overdue").fill("21")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("status")).to_contain_text("Saved.")
    page.get_by_label("Days overdue").fill("14")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(page.get_by_text("There now: 21")).to_be_visible()
    expect(page.get_by_label("Days overdue")).to_have_value("14")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
