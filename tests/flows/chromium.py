"""A real browser on the console's pages; a dialog, a script error or a CSP report fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

# The cores are shared with whatever else runs: a page that takes longer than this is broken.
PATIENCE_MS = 60_000
# As root and without a GPU, as in containers; and nothing that calls home.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def executable() -> str:
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = next(found, None)
    assert path, "these tests need Chromium: sudo apt-get install chromium"
    return path


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page in a context of its own; what went wrong in it is told at the end."""
    context = browser.new_context(base_url=url, accept_downloads=True, **options)
    context.set_default_timeout(PATIENCE_MS)
    page, wrong = context.new_page(), list[str]()

    def dialog(shown: Any) -> None:
        wrong.append(f"dialog: {shown.message}")
        shown.dismiss()

    def complaint(said: Any) -> None:
        # A refused form answers 4xx, which Chromium notes as an error although all is in order.
        if said.type == "error" and "status of 4" not in said.text:
            wrong.append(f"console: {said.text}")

    page.on("dialog", dialog)
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on("console", complaint)
    yield page
    context.close()
    assert wrong == []


def sign_in(page: Page, username: str = "admin", password: str | None = None) -> None:
    """Without a password it is the demo's: the name with -demo behind."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password or f"{username}-demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/customers")
